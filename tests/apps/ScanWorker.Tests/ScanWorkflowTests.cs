using Dapr.Workflow;
using Microsoft.Extensions.Logging;
using ScanWorker.Stages;
using ScanWorker.Workflows;
using ServiceDefaults.JobLog;

namespace ScanWorker.Tests;

/// <summary>How a scan ends when activities fail.</summary>
public sealed class ScanWorkflowTests
{
    private static readonly DateTime Start = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static readonly ScanInput Input = new(
        Guid.NewGuid(), "u1", "scan/p.jpg", "?", null, new RetryPlan(3, TimeSpan.FromSeconds(5)), new DateTimeOffset(Start.AddMinutes(30)));

    private static readonly VisionResult Seen = new(
        new Classification("재활용폐기물", "종이", null), [], new VisionMeta("?", "local", "m", 0.9, null, false, [], null, Usage: new("m", false, 900, 40, 0.3m)));

    [Fact]
    public async Task An_outage_when_all_is_done_delays_the_end_and_does_not_change_it()
    {
        var context = new FakeContext { Failing = (name, call) => name == nameof(FinishActivity) && call <= 8 };

        Assert.Equal("completed", await new ScanWorkflow().RunAsync(context, Input));

        Assert.All(context.InputsOf<ScanResult>(nameof(FinishActivity)), result => Assert.Equal("completed", result.Status));
        Assert.Equal(9, context.InputsOf<ScanResult>(nameof(FinishActivity)).Count);
    }

    [Fact]
    public async Task An_outage_during_a_stage_uses_up_neither_its_retries_nor_the_job()
    {
        var context = new FakeContext
        {
            Failing = (name, call) => (name == nameof(AnswerActivity) && call == 1) || (name == nameof(StageFailedActivity) && call <= 5),
        };

        Assert.Equal("completed", await new ScanWorkflow().RunAsync(context, Input));

        Assert.Equal([1, 2], context.InputsOf<AnswerActivity.Input>(nameof(AnswerActivity)).Select(input => input.Attempt.Attempt));
        Assert.All(context.InputsOf<StageFailedActivity.Input>(nameof(StageFailedActivity)), input => Assert.False(input.Last));
    }

    [Fact]
    public async Task A_stage_that_fails_for_good_ends_the_scan_as_failed_also_after_an_outage()
    {
        var context = new FakeContext
        {
            Failing = (name, call) => name == nameof(VisionActivity) || (name == nameof(FinishActivity) && call <= 3),
        };

        Assert.Equal("failed", await new ScanWorkflow().RunAsync(context, Input));

        Assert.Equal(4, context.InputsOf<VisionActivity.Input>(nameof(VisionActivity)).Count);
        Assert.Equal("failed", context.InputsOf<ScanResult>(nameof(FinishActivity))[^1].Status);
        // Clients are told no text of an exception that was not written for them.
        Assert.All(
            context.InputsOf<StageFailedActivity.Input>(nameof(StageFailedActivity)).Select(input => input.Reason)
                .Append(context.InputsOf<ScanResult>(nameof(FinishActivity))[^1].Message),
            told => Assert.Equal("STAGE_FAILED: a part of the platform did not answer", told));
    }

    [Fact]
    public async Task The_end_has_the_sum_of_what_the_stages_took()
    {
        var context = new FakeContext();
        await new ScanWorkflow().RunAsync(context, Input);
        Assert.Equal(new ModelUsage(null, false, 1000, 60, 0.5m), Assert.Single(context.InputsOf<ScanResult>(nameof(FinishActivity))).Usage);

        // A scan that fails has cost what it had used by then.
        context = new FakeContext { Failing = (name, _) => name == nameof(AnswerActivity) };
        await new ScanWorkflow().RunAsync(context, Input);
        Assert.Equal(new ModelUsage(null, false, 900, 40, 0.3m), Assert.Single(context.InputsOf<ScanResult>(nameof(FinishActivity))).Usage);
    }

    [Fact]
    public void A_sum_is_unknown_as_soon_as_a_part_of_it_is()
    {
        Assert.Equal(
            new ModelUsage(null, false, null, 5, null),
            ModelUsage.Sum([new ModelUsage("a", true, 1, 2, 0), new ModelUsage("b", false, null, 3, null)]));
    }

    [Fact]
    public async Task The_end_is_not_tried_for_ever()
    {
        var context = new FakeContext { Failing = (name, _) => name == nameof(FinishActivity) };

        await Assert.ThrowsAsync<WorkflowTaskFailedException>(() => new ScanWorkflow().RunAsync(context, Input));

        Assert.InRange(context.CurrentUtcDateTime, Input.Deadline.UtcDateTime, Input.Deadline.UtcDateTime.AddMinutes(1));
    }

    [Theory]
    [InlineData(nameof(AnswerActivity))]
    [InlineData(nameof(FinishActivity))]
    public async Task A_job_that_somebody_else_has_ended_is_left_alone_at_once(string closedAt)
    {
        var context = new FakeContext { ClosedAt = closedAt };

        Assert.Equal("closed", await new ScanWorkflow().RunAsync(context, Input));

        Assert.Equal(Start, context.CurrentUtcDateTime);
        Assert.InRange(context.InputsOf<ScanResult>(nameof(FinishActivity)).Count, 0, 1);
    }

    [Fact]
    public async Task The_end_of_a_closed_job_is_an_answer_and_no_failure()
    {
        var log = new FakeJobLog();
        log.Add(new("done.cancelled", "done", "cancelled", 100, DateTimeOffset.UnixEpoch));
        var stages = new StageRunner(null!, log.Client(), Microsoft.Extensions.Options.Options.Create(new ScanWorkerOptions()), TimeProvider.System);

        Assert.False(await new FinishActivity(stages).RunAsync(null!, new ScanResult(Input.JobId, "completed", "m", null, null, null)));
        Assert.False(await new StageFailedActivity(stages).RunAsync(null!, new(Input.JobId, "vision", 1, true, "r", 0)));
        Assert.Equal(["done.cancelled"], log.Keys);
    }

    /// <summary>Runs activities as the engine does, with the retries of their options on a clock of its own.</summary>
    private sealed class FakeContext : WorkflowContext
    {
        private readonly List<(string Name, object? Input)> _calls = [];
        private DateTime _now = Start;

        /// <summary>Whether the nth call of an activity fails.</summary>
        public Func<string, int, bool> Failing { get; init; } = (_, _) => false;

        /// <summary>The activity that finds the job closed.</summary>
        public string? ClosedAt { get; init; }

        public override string Name => nameof(ScanWorkflow);

        public override string InstanceId => Input.JobId.ToString();

        public override DateTime CurrentUtcDateTime => _now;

        public override bool IsReplaying => false;

        public List<T> InputsOf<T>(string activity) => [.. _calls.Where(call => call.Name == activity).Select(call => (T)call.Input!)];

        public override async Task<T> CallActivityAsync<T>(string name, object? input = null, WorkflowTaskOptions? options = null)
        {
            var (started, delay) = (_now, options?.RetryPolicy?.FirstRetryInterval ?? default);
            for (var attempt = 1; ; attempt++)
            {
                _calls.Add((name, input));
                if (name == ClosedAt && name != nameof(FinishActivity))
                {
                    throw Failure(typeof(JobClosedException).FullName!);
                }

                if (!Failing(name, _calls.Count(call => call.Name == name)))
                {
                    return (T)Result(name);
                }

                if (options?.RetryPolicy is not { } policy || attempt >= policy.MaxNumberOfAttempts || _now - started >= policy.RetryTimeout)
                {
                    throw Failure("System.Net.Http.HttpRequestException");
                }

                _now += delay;
                delay = delay * policy.BackoffCoefficient < policy.MaxRetryInterval ? delay * policy.BackoffCoefficient : policy.MaxRetryInterval ?? delay;
            }
        }

        public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
        {
            _now = fireAt;
            return Task.CompletedTask;
        }

        public override bool IsPatched(string patchName) => true;

        public override Task<T> WaitForExternalEventAsync<T>(string eventName, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override void SendEvent(string instanceId, string eventName, object payload) => throw new NotSupportedException();

        public override void SetCustomStatus(object? customStatus) => throw new NotSupportedException();

        public override Task<TResult> CallChildWorkflowAsync<TResult>(string workflowName, object? input = null, ChildWorkflowTaskOptions? options = null) =>
            throw new NotSupportedException();

        public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) => throw new NotSupportedException();

        public override Guid NewGuid() => throw new NotSupportedException();

        public override ILogger CreateReplaySafeLogger(string categoryName) => throw new NotSupportedException();

        public override ILogger CreateReplaySafeLogger(Type type) => throw new NotSupportedException();

        public override ILogger CreateReplaySafeLogger<T>() => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        private object Result(string name) => name switch
        {
            nameof(VisionActivity) => Seen,
            nameof(RuleActivity) => new RuleResult(false, null, null, null),
            nameof(AnswerActivity) => new AnswerResult(new Dictionary<string, string>(), [], "a", "재활용폐기물", "종이", true, 10, "local", "m", Usage: new("m", false, 100, 20, 0.2m)),
            nameof(RewardActivity) => new RewardResult(false, "none", null),
            _ => name != ClosedAt,
        };

        private static WorkflowTaskFailedException Failure(string type) => new("failed", new WorkflowTaskFailureDetails(type, "event-router is away"));
    }
}
