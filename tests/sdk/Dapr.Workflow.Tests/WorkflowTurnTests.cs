using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Workflows;
using static Dapr.Workflow.Tests.Script;

namespace Dapr.Workflow.Tests;

public sealed class WorkflowTurnTests
{
    [Fact]
    public async Task Runs_activities_one_after_the_other()
    {
        await using var worker = await TestWorker.StartAsync<Order, string>(async (context, order) =>
        {
            var first = await context.CallActivityAsync<string>("Reserve", order);
            return await context.CallActivityAsync<string>("Charge", first) + "!";
        });
        var script = worker.Script("""{"id":"1","qty":2}""");

        var reserve = Assert.Single((await script.StartAsync()).Actions);
        Assert.Equal(0, reserve.Id);
        Assert.Equal("Reserve", reserve.ScheduleTask.Name);
        Assert.Equal("""{"id":"1","qty":2}""", reserve.ScheduleTask.Input);

        // Seen on the wire of the official worker for the same instance and execution.
        Assert.Equal("87652c1cbdc15ef195822f17e6b6b3c8", reserve.ScheduleTask.TaskExecutionId);

        var charge = Assert.Single((await script.TurnAsync(Completed(0, "\"ok\""))).Actions);
        Assert.Equal((1, "Charge", "\"ok\""), (charge.Id, charge.ScheduleTask.Name, charge.ScheduleTask.Input));

        var done = Assert.Single((await script.TurnAsync(Completed(1, "\"paid\""))).Actions);
        Assert.Equal(0, done.Id);
        Assert.Equal(OrchestrationStatus.Completed, done.CompleteWorkflow.WorkflowStatus);
        Assert.Equal("\"paid!\"", done.CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Waits_for_all_of_a_fan_out()
    {
        await using var worker = await TestWorker.StartAsync<int, int>(async (context, count) =>
        {
            var results = await Task.WhenAll(Enumerable.Range(0, count).Select(i => context.CallActivityAsync<int>("Square", i)));
            return results.Sum();
        });
        var script = worker.Script("3");

        Assert.Equal([0, 1, 2], (await script.StartAsync()).Actions.Select(a => a.Id));
        Assert.Empty((await script.TurnAsync(Completed(2, "4"))).Actions);
        var done = await script.TurnAsync(Completed(0, "0"), Completed(1, "1"));

        Assert.Equal("5", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Goes_on_with_the_first_of_several()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            var timer = context.CreateTimer(TimeSpan.FromMinutes(5));
            var work = context.CallActivityAsync<string>("Slow");
            return await Task.WhenAny(timer, work) == timer ? "late" : await work;
        });
        var script = worker.Script();

        var actions = (await script.StartAsync()).Actions;
        Assert.Equal(Start.AddMinutes(5), actions[0].CreateTimer.FireAt.ToDateTime());
        Assert.NotNull(actions[0].CreateTimer.CreateTimer);
        var done = await script.TurnAsync(Fired(0), Completed(1, "\"never seen\""));

        Assert.Equal("\"late\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Retries_after_growing_timers_and_then_fails()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            var policy = new WorkflowRetryPolicy(3, TimeSpan.FromSeconds(10), backoffCoefficient: 2);
            try
            {
                return await context.CallActivityAsync<string>("Flaky", options: new WorkflowTaskOptions(policy));
            }
            catch (WorkflowTaskFailedException exception) when (exception.FailureDetails.IsCausedBy<InvalidOperationException>())
            {
                return exception.Message;
            }
        });
        var script = worker.Script();
        var first = Assert.Single((await script.StartAsync()).Actions);

        var timer = Assert.Single((await script.TurnAsync(TaskFailed(0, "System.InvalidOperationException", "one"))).Actions);
        Assert.Equal(1, timer.Id);
        Assert.Equal(Start.AddMinutes(1).AddSeconds(10), timer.CreateTimer.FireAt.ToDateTime());
        Assert.Equal(first.ScheduleTask.TaskExecutionId, timer.CreateTimer.ActivityRetry.TaskExecutionId);

        var second = Assert.Single((await script.TurnAsync(Fired(1))).Actions);
        Assert.Equal((2, "Flaky"), (second.Id, second.ScheduleTask.Name));
        Assert.NotEqual(first.ScheduleTask.TaskExecutionId, second.ScheduleTask.TaskExecutionId);

        timer = Assert.Single((await script.TurnAsync(TaskFailed(2, "System.InvalidOperationException", "two"))).Actions);
        Assert.Equal(Start.AddMinutes(3).AddSeconds(20), timer.CreateTimer.FireAt.ToDateTime());
        Assert.Equal(4, Assert.Single((await script.TurnAsync(Fired(3))).Actions).Id);

        var done = await script.TurnAsync(TaskFailed(4, "System.InvalidOperationException", "three"));
        Assert.Equal("\"Task failed: three\"", Assert.Single(done.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Unhandled_failure_fails_the_workflow_with_its_details()
    {
        await using var worker = await TestWorker.StartAsync<string, string>((_, _) => throw new FormatException("bad input"));

        var failure = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal(OrchestrationStatus.Failed, failure.WorkflowStatus);
        Assert.Equal("System.FormatException", failure.FailureDetails.ErrorType);
        Assert.Equal("bad input", failure.FailureDetails.ErrorMessage);
        Assert.True(failure.FailureDetails.IsNonRetriable);
    }

    [Fact]
    public async Task Runs_child_workflows()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            var named = await context.CallChildWorkflowAsync<string>("Child", "in", new ChildWorkflowTaskOptions("child-1"));
            try
            {
                return await context.CallChildWorkflowAsync<string>("Child", named);
            }
            catch (WorkflowTaskFailedException exception)
            {
                return $"{exception.Message}: {exception.FailureDetails.ErrorMessage}";
            }
        });
        var script = worker.Script();

        var child = Assert.Single((await script.StartAsync()).Actions).CreateChildWorkflow;
        Assert.Equal(("Child", "child-1", "\"in\""), (child.Name, child.InstanceId, child.Input));

        var second = Assert.Single((await script.TurnAsync(new HistoryEvent
        {
            EventId = -1,
            ChildWorkflowInstanceCompleted = new ChildWorkflowInstanceCompletedEvent { TaskScheduledId = 0, Result = "\"out\"" },
        })).Actions);
        Assert.Equal("\"out\"", second.CreateChildWorkflow.Input);
        Assert.True(Guid.TryParse(second.CreateChildWorkflow.InstanceId, out _));

        var done = await script.TurnAsync(new HistoryEvent
        {
            EventId = -1,
            ChildWorkflowInstanceFailed = new ChildWorkflowInstanceFailedEvent
            {
                TaskScheduledId = 1, FailureDetails = new TaskFailureDetails { ErrorType = "X", ErrorMessage = "broken" },
            },
        });

        // The text of the official worker.
        Assert.Equal("Child workflow 'Child' failed: broken", JsonSerializer.Deserialize<string>(Assert.Single(done.Actions).CompleteWorkflow.Result));
    }

    [Fact]
    public async Task Continues_as_new_with_the_events_nobody_took()
    {
        await using var worker = await TestWorker.StartAsync<int, object?>(async (context, round) =>
        {
            await context.WaitForExternalEventAsync<string>("go");
            context.ContinueAsNew(round + 1);
            return null;
        });
        var script = worker.Script("1");

        var response = await script.StartAsync(Raised("other", "\"kept\""), Raised("GO", "\"\""), Raised("go", "\"next\""));

        var next = Assert.Single(response.Actions);
        Assert.Equal(OrchestrationStatus.ContinuedAsNew, next.CompleteWorkflow.WorkflowStatus);
        Assert.Equal("2", next.CompleteWorkflow.Result);
        Assert.Equal(["other", "go"], next.CompleteWorkflow.CarryoverEvents.Select(e => e.EventRaised.Name));
    }

    [Fact]
    public async Task Clock_and_guids_are_the_same_at_every_replay()
    {
        var seen = new List<string>();
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            var before = $"{context.NewGuid()} {context.CurrentUtcDateTime:O} {context.IsReplaying}";
            await context.CallActivityAsync("Step");
            lock (seen)
            {
                seen.Add(before);
            }

            return $"{context.CurrentUtcDateTime:O} {context.IsReplaying}";
        });
        var script = worker.Script();
        await script.StartAsync();

        var done = await script.TurnAsync(Completed(0, ""));
        var again = await worker.Script().StartAsync(Completed(0, ""));

        Assert.Equal($"\"{Start.AddMinutes(1):O} False\"", Assert.Single(done.Actions).CompleteWorkflow.Result.Replace("\\u002B", "+", StringComparison.Ordinal));
        Assert.Equal(seen[0].Replace("True", "False", StringComparison.Ordinal), seen[1]);
        Assert.EndsWith("True", seen[0], StringComparison.Ordinal);
        Assert.Equal(2, again.Actions.Count);
    }

    [Fact]
    public async Task Replay_safe_logger_writes_each_line_once()
    {
        using var log = new LineLog();
        await using var worker = await TestWorker.StartAsync(
            options => options.RegisterWorkflow<string, string>("Order", async (context, _) =>
            {
                var (named, typed) = (context.CreateReplaySafeLogger("Named"), context.CreateReplaySafeLogger<Order>());
                named.LogWarning("begins {Enabled}", named.IsEnabled(LogLevel.Warning));
                await context.CallActivityAsync("Step");
                typed.LogWarning("goes on");
                await context.CallActivityAsync("Step");
                named.LogWarning("ends");
                return "";
            }),
            services => services.AddSingleton<ILoggerProvider>(log));
        var script = worker.Script();

        await script.StartAsync();
        Assert.Equal(["Named: begins True"], log.Lines);
        await script.TurnAsync(Completed(0, ""));
        await script.TurnAsync(Completed(1, ""));

        Assert.Equal(["Named: begins True", $"{typeof(Order).FullName!.Replace('+', '.')}: goes on", "Named: ends"], log.Lines);
    }

    [Fact]
    public async Task Output_that_is_no_json_fails_the_workflow()
    {
        await using var worker = await TestWorker.StartAsync<string, Type>((_, _) => Task.FromResult(typeof(string)));

        var failed = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal(OrchestrationStatus.Failed, failed.WorkflowStatus);
        Assert.Equal("System.NotSupportedException", failed.FailureDetails.ErrorType);
        Assert.True(failed.FailureDetails.IsNonRetriable);
    }

    [Fact]
    public async Task Exception_outside_of_the_workflows_task_fails_the_workflow()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            SynchronizationContext.Current!.Post(_ => throw new FormatException("posted"), null);
            return await context.CallActivityAsync<string>("Step");
        });

        var failed = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal(("System.FormatException", "posted"), (failed.FailureDetails.ErrorType, failed.FailureDetails.ErrorMessage));
    }

    [Fact]
    public async Task Changed_code_is_told_apart_from_the_history()
    {
        var activity = "Before";
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
            await context.CallActivityAsync<string>(activity));
        var script = worker.Script();
        await script.StartAsync();

        activity = "After";
        var failed = Assert.Single((await script.TurnAsync(Completed(0, "\"x\""))).Actions).CompleteWorkflow;

        Assert.Equal(OrchestrationStatus.Failed, failed.WorkflowStatus);
        Assert.Contains("'Before'", failed.FailureDetails.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("'After'", failed.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Patched_path_is_taken_only_by_new_executions()
    {
        var deployed = false;
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            var path = deployed && context.IsPatched("v2") ? "New" : "Old";
            await context.CallActivityAsync(path);
            return path;
        });
        var running = worker.Script();
        await running.StartAsync();

        deployed = true;
        var old = await running.TurnAsync(Completed(0, ""));
        var script = new Script(worker.Engine, "") { InstanceId = "inst2" };
        var first = await script.StartAsync();
        var second = await script.TurnAsync(Completed(0, ""));

        Assert.Equal("\"Old\"", Assert.Single(old.Actions).CompleteWorkflow.Result);
        Assert.Equal(["v2"], first.Version.Patches);
        Assert.Equal("\"New\"", Assert.Single(second.Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Foreign_task_fails_the_workflow_instead_of_hanging_it()
    {
        var never = new TaskCompletionSource<string>();
        await using var worker = await TestWorker.StartAsync<string, string>(async (_, _) => await never.Task);

        var failed = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal(OrchestrationStatus.Failed, failed.WorkflowStatus);
        Assert.Contains("not one of its context", failed.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unknown_workflow_fails()
    {
        await using var worker = await TestWorker.StartAsync(o => o.RegisterWorkflow<string, string>("Other", (_, _) => Task.FromResult("")));

        var failed = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal("WorkflowNotFound", failed.FailureDetails.ErrorType);
    }

    [Fact]
    public async Task Custom_status_and_sent_events_are_returned()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) =>
        {
            context.SetCustomStatus("stage 1");
            context.SendEvent("other", "ping", new { n = 1 });
            await context.CallActivityAsync("Step");
            return "";
        });

        var response = await worker.Script().StartAsync();

        Assert.Equal("\"stage 1\"", response.CustomStatus);
        Assert.Equal("other", response.Actions[0].SendEvent.Instance.InstanceId);
        Assert.Equal("""{"n":1}""", response.Actions[0].SendEvent.Data);
        Assert.Equal(1, response.Actions[1].Id);
    }

    public sealed record Order(string Id, int Qty);

    /// <summary>What the loggers of workflows were told.</summary>
    private sealed class LineLog : ILoggerProvider
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> Lines => _lines.Where(line => !line.StartsWith("Dapr.Workflow.Worker", StringComparison.Ordinal)
            && !line.StartsWith("Microsoft.", StringComparison.Ordinal));

        public ILogger CreateLogger(string categoryName) => new Category(categoryName, _lines);

        public void Dispose()
        {
        }

        private sealed class Category(string name, ConcurrentQueue<string> lines) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(
                LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
                lines.Enqueue($"{name}: {formatter(state, exception)}");
        }
    }
}
