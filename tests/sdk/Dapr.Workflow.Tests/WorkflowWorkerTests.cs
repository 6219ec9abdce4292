using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using TestKit;

namespace Dapr.Workflow.Tests;

public sealed class WorkflowWorkerTests
{
    [Fact]
    public async Task Activity_gets_its_input_services_and_key()
    {
        await using var worker = await TestWorker.StartAsync(_ => { }, services => services.AddScoped<Greeter>());

        var response = await worker.Engine.ActivityAsync(Activity("GreetActivity", 7, "\"you\"", "key"));

        Assert.Equal(("inst1", 7), (response.InstanceId, response.TaskId));
        Assert.Equal("\"hello you, task key of inst1\"", response.Result);
        Assert.Null(response.FailureDetails);
    }

    [Fact]
    public async Task Failed_activity_reports_the_exception()
    {
        await using var worker = await TestWorker.StartAsync(o => o.RegisterActivity<string, string>("Fail", (_, _) =>
            throw new ArgumentException("outer", new FormatException("inner"))));

        var failure = (await worker.Engine.ActivityAsync(Activity("fail", 1))).FailureDetails;

        Assert.Equal(("System.ArgumentException", "outer"), (failure.ErrorType, failure.ErrorMessage));
        Assert.Equal(("System.FormatException", "inner"), (failure.InnerFailure.ErrorType, failure.InnerFailure.ErrorMessage));
    }

    [Fact]
    public async Task Unknown_activity_is_a_failure()
    {
        await using var worker = await TestWorker.StartAsync(_ => { });

        Assert.Equal("ActivityNotFoundException", (await worker.Engine.ActivityAsync(Activity("Nothing", 1))).FailureDetails.ErrorType);
    }

    [Theory]
    [InlineData(null, 100)]
    [InlineData("2", 2)]
    [InlineData("150", 150)]
    public async Task Runs_as_many_activities_at_a_time_as_it_may(string? setting, int expected)
    {
        var (running, most) = (0, 0);
        var full = new TaskCompletionSource();
        await using var worker = await TestWorker.StartAsync(
            options => options.RegisterActivity<string, string>("Wait", async (_, _) =>
            {
                var now = Interlocked.Increment(ref running);
                if (now >= expected)
                {
                    full.TrySetResult();
                }

                await full.Task;
                InterlockedMax(ref most, now);
                Interlocked.Decrement(ref running);
                return "done";
            }),
            services: null, setting is null ? [] : [("Dapr:Workflow:MaxConcurrentActivities", setting)]);

        var answers = Enumerable.Range(0, expected + 20).Select(number => worker.Engine.ActivityAsync(Activity("Wait", number))).ToList();

        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal("\"done\"", answer.Result));
        Assert.Equal(expected, most);

        static void InterlockedMax(ref int most, int value)
        {
            for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
            {
                Interlocked.CompareExchange(ref most, value, seen);
            }
        }
    }

    [Theory]
    [InlineData("MaxConcurrentActivities", "0")]
    [InlineData("MaxConcurrentTurns", "-1")]
    [InlineData("MaxConcurrentTurns", "many")]
    public async Task A_limit_that_is_none_stops_the_start(string name, string value)
    {
        var wrong = await Assert.ThrowsAsync<InvalidOperationException>(() => TestWorker.StartAsync(_ => { }, services: null, ($"Dapr:Workflow:{name}", value)));

        Assert.Contains(name, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Opens_the_stream_again_after_a_loss()
    {
        await using var worker = await TestWorker.StartAsync(o => o.RegisterActivity<int, int>("Double", (_, n) => Task.FromResult(n * 2)));

        for (var i = 0; i < 3; i++)
        {
            var stream = await worker.Engine.NextStreamAsync();
            Assert.Equal($"{i * 2}", (await worker.Engine.ActivityAsync(Activity("Double", i, $"{i}"))).Result);
            await stream.CancelAsync();
        }
    }

    [Fact]
    public async Task Activity_handed_out_again_while_it_runs_is_not_run_twice()
    {
        var runs = 0;
        var release = new TaskCompletionSource();
        var handedOutAgain = new LogSignal(6816);
        await using var worker = await TestWorker.StartAsync(
            o => o.RegisterActivity<string, string>("Slow", async (_, _) =>
            {
                Interlocked.Increment(ref runs);
                await release.Task;
                return "done";
            }),
            services => services.AddSingleton<ILoggerProvider>(handedOutAgain));
        var stream = await worker.Engine.NextStreamAsync();
        _ = worker.Engine.ActivityAsync(Activity("Slow", 1));
        await UntilAsync(() => Volatile.Read(ref runs) == 1);

        await stream.CancelAsync();
        await worker.Engine.NextStreamAsync();
        var again = worker.Engine.ActivityAsync(Activity("Slow", 1));
        await handedOutAgain.Logged.WaitAsync(FakeEngine.Patience);
        release.SetResult();

        Assert.Equal("\"done\"", (await again).Result);
        Assert.Equal(1, runs);
    }

    [Fact]
    public async Task Result_that_could_not_be_delivered_answers_the_next_hand_out()
    {
        var runs = 0;
        var refused = new TaskCompletionSource();
        // A clock that stands still: the worker waits for the next hand-out however late it comes.
        await using var worker = await TestWorker.StartAsync(
            o => o.RegisterActivity<string, int>("Count", (_, _) => Task.FromResult(Interlocked.Increment(ref runs))),
            services => services.AddSingleton<TimeProvider>(new ManualTimeProvider()));
        worker.Engine.OnActivityResult = _ =>
        {
            if (refused.TrySetResult())
            {
                throw new GrpcException(GrpcStatusCode.Unavailable, "restarting");
            }
        };
        _ = worker.Engine.ActivityAsync(Activity("Count", 1));
        await refused.Task.WaitAsync(FakeEngine.Patience);

        var again = await worker.Engine.ActivityAsync(Activity("Count", 1));

        Assert.Equal("1", again.Result);
        Assert.Equal(1, runs);
    }

    [Theory]
    [InlineData(GrpcStatusCode.ResourceExhausted, "PAYLOAD_TOO_LARGE")]
    [InlineData(GrpcStatusCode.InvalidArgument, "ANSWER_REFUSED")]
    [InlineData(GrpcStatusCode.Internal, "ANSWER_REFUSED")]
    public async Task Answer_the_engine_never_takes_becomes_a_failure(GrpcStatusCode status, string errorType)
    {
        await using var worker = await TestWorker.StartAsync(options =>
        {
            options.RegisterActivity<string, string>("Step", (_, _) => Task.FromResult("large"));
            options.RegisterWorkflow<string, string>("Order", (_, _) => Task.FromResult("large"));
        });
        worker.Engine.OnActivityResult = response => RefuseIf(response.FailureDetails is null);
        worker.Engine.OnTurnResult = response => RefuseIf(response.Actions[0].CompleteWorkflow.FailureDetails is null);

        var activity = await worker.Engine.ActivityAsync(Activity("Step", 1));
        var turn = Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow;

        Assert.Equal((errorType, true), (activity.FailureDetails.ErrorType, activity.FailureDetails.IsNonRetriable));
        Assert.Equal((OrchestrationStatus.Failed, errorType), (turn.WorkflowStatus, turn.FailureDetails.ErrorType));

        void RefuseIf(bool refuse)
        {
            if (refuse)
            {
                throw new GrpcException(status, "no");
            }
        }
    }

    [Fact]
    public async Task Turn_that_cannot_be_delivered_ends_the_stream()
    {
        await using var worker = await TestWorker.StartAsync<string, string>((_, _) => Task.FromResult("done"));
        await worker.Engine.NextStreamAsync();
        worker.Engine.OnTurnResult = _ => throw new GrpcException(GrpcStatusCode.Unavailable, "the store is away");
        _ = worker.Script().StartAsync();

        await worker.Engine.NextStreamAsync();

        worker.Engine.OnTurnResult = _ => { };
        Assert.Equal("\"done\"", Assert.Single((await worker.Script().StartAsync()).Actions).CompleteWorkflow.Result);
    }

    [Fact]
    public async Task Turn_that_is_not_in_flight_any_more_leaves_the_stream_open()
    {
        var refused = new TaskCompletionSource();
        await using var worker = await TestWorker.StartAsync<string, string>((_, _) => Task.FromResult("done"));
        var stream = await worker.Engine.NextStreamAsync();
        worker.Engine.OnTurnResult = _ =>
        {
            if (refused.TrySetResult())
            {
                throw new GrpcException(GrpcStatusCode.NotFound, "no such turn");
            }
        };
        _ = worker.Script().StartAsync();
        await refused.Task.WaitAsync(FakeEngine.Patience);

        await worker.Script().StartAsync();

        Assert.False(stream.IsCancellationRequested);
    }

    [Fact]
    public async Task Result_that_cannot_be_delivered_ends_the_stream()
    {
        var clock = new ManualTimeProvider();
        await using var worker = await TestWorker.StartAsync(
            options => options.RegisterActivity<string, string>("Step", (_, _) => Task.FromResult("done")),
            services => services.AddSingleton<TimeProvider>(clock));
        await worker.Engine.NextStreamAsync();
        worker.Engine.OnActivityResult = _ => throw new GrpcException(GrpcStatusCode.Unknown, "no");
        _ = worker.Engine.ActivityAsync(Activity("Step", 1));

        var again = worker.Engine.NextStreamAsync();
        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return again.IsCompleted;
        });

        await again;
    }

    [Fact]
    public async Task Item_handed_out_again_at_the_last_delivery_is_answered()
    {
        var deliveries = 0;
        var again = new TaskCompletionSource<Task<ActivityResponse>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new ManualTimeProvider();
        await using var worker = await TestWorker.StartAsync(
            options => options.RegisterActivity<string, string>("Step", (_, _) => Task.FromResult("done")),
            services => services.AddSingleton<TimeProvider>(clock));
        worker.Engine.OnActivityResult = response =>
        {
            if (response.TaskId != 1 || again.Task.IsCompleted)
            {
                return;
            }

            if (Interlocked.Increment(ref deliveries) == 3)
            {
                // The item after it shows that the worker has read it.
                again.SetResult(worker.Engine.ActivityAsync(Activity("Step", 1)));
                worker.Engine.ActivityAsync(Activity("Nothing", 2)).Wait(FakeEngine.Patience);
            }

            throw new GrpcException(GrpcStatusCode.NotFound, "not pending");
        };
        _ = worker.Engine.ActivityAsync(Activity("Step", 1));
        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return again.Task.IsCompleted;
        });

        Assert.Equal("\"done\"", (await await again.Task).Result);
    }

    [Fact]
    public async Task At_most_100_activities_run_at_a_time()
    {
        var (active, most) = (0, 0);
        var release = new TaskCompletionSource();
        await using var worker = await TestWorker.StartAsync(o => o.RegisterActivity<string, string>("Slow", async (_, _) =>
        {
            var now = Interlocked.Increment(ref active);
            InterlockedMax(ref most, now);
            await release.Task;
            Interlocked.Decrement(ref active);
            return "";
        }));

        var all = Enumerable.Range(0, 250).Select(i => worker.Engine.ActivityAsync(Activity("Slow", i))).ToList();
        await UntilAsync(() => Volatile.Read(ref active) == 100);

        // Workflow turns have slots of their own.
        var turn = await worker.Script().StartAsync();
        release.SetResult();
        await Task.WhenAll(all);

        Assert.Equal("WorkflowNotFound", Assert.Single(turn.Actions).CompleteWorkflow.FailureDetails.ErrorType);
        Assert.Equal(100, most);
    }

    [Fact]
    public async Task Stop_finishes_what_runs_and_delivers_it()
    {
        var started = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var worker = await TestWorker.StartAsync(o => o.RegisterActivity<string, string>("Slow", async (_, _) =>
        {
            started.SetResult();
            await release.Task;
            return "delivered";
        }));
        var result = worker.Engine.ActivityAsync(Activity("Slow", 1));
        await started.Task.WaitAsync(FakeEngine.Patience);

        var stop = worker.StopAsync();
        Assert.False(stop.IsCompleted);
        release.SetResult();
        await stop.WaitAsync(FakeEngine.Patience);

        Assert.Equal("\"delivered\"", (await result).Result);
    }

    [Fact]
    public async Task Says_hello_while_the_stream_is_open()
    {
        var clock = new ManualTimeProvider();
        await using var worker = await TestWorker.StartAsync(_ => { }, services => services.AddSingleton<TimeProvider>(clock));
        await worker.Engine.NextStreamAsync();

        await UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            return worker.Engine.Hello.Task.IsCompleted;
        });
    }

    [Fact]
    public async Task Long_history_is_fetched_when_the_item_leaves_it_out()
    {
        await using var worker = await TestWorker.StartAsync<string, string>(async (context, _) => await context.CallActivityAsync<string>("Step"));
        worker.Engine.OnCall = (method, _) => method == "GetInstanceHistory"
            ? new GetInstanceHistoryResponse
            {
                Events =
                {
                    new HistoryEvent { EventId = -1, ExecutionStarted = new ExecutionStartedEvent { Name = "Order", Input = "" } },
                    new HistoryEvent { EventId = 0, TaskScheduled = new TaskScheduledEvent { Name = "Step" } },
                },
            }
            : throw new GrpcException(GrpcStatusCode.Unimplemented, method);

        var response = await worker.Engine.TurnAsync(new WorkflowRequest
        {
            InstanceId = "inst1", RequiresHistoryStreaming = true, NewEvents = { Script.Completed(0, "\"far\"") },
        });

        Assert.Equal("\"far\"", Assert.Single(response.Actions).CompleteWorkflow.Result);
    }

    private static ActivityRequest Activity(string name, int id, string input = "", string executionId = "") => new()
    {
        Name = name,
        Input = input,
        TaskId = id,
        TaskExecutionId = executionId,
        WorkflowInstance = new WorkflowInstance { InstanceId = "inst1" },
    };

    private static void InterlockedMax(ref int target, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref target)) < value && Interlocked.CompareExchange(ref target, value, seen) != seen)
        {
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(FakeEngine.Patience);
        while (!condition())
        {
            await Task.Delay(5, patience.Token);
        }
    }

    public sealed class Greeter
    {
        public string Greet(string name) => $"hello {name}";
    }

    /// <summary>Tells when the worker has logged an event.</summary>
    private sealed class LogSignal(int id) : ILoggerProvider, ILogger
    {
        private readonly TaskCompletionSource _logged = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Logged => _logged.Task;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id == id)
            {
                _logged.TrySetResult();
            }
        }

        public void Dispose()
        {
        }
    }
}

/// <summary>Found by the automatic registration.</summary>
public sealed class GreetActivity(WorkflowWorkerTests.Greeter greeter) : WorkflowActivity<string, string>
{
    public override Task<string> RunAsync(WorkflowActivityContext context, string input) =>
        Task.FromResult($"{greeter.Greet(input)}, task {context.TaskExecutionKey} of {context.InstanceId}");
}
