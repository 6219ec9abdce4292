using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Contracts.Jobs;
using EventRouter.Logs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace EventRouter.Tests;

/// <summary>The domain of one event-router replica on a shared store.</summary>
internal sealed class RouterUnderTest : IJobLogPublisher
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public RouterUnderTest(FakeLogStore store, Action<EventRouterOptions>? configure = null, FixedTime? time = null)
    {
        Time = time ?? new FixedTime(Start);
        var options = new EventRouterOptions { RetryPause = TimeSpan.Zero };
        configure?.Invoke(options);
        var wrapped = Options.Create(options);
        var meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
        var metrics = new JobLogMetrics(meters);
        Storage = new JobLogStorage(store, Time, wrapped, metrics);
        OpenJobs = new OpenJobs(store, Time, wrapped, metrics, NullLogger<OpenJobs>.Instance);
        Appender = new JobAppender(Storage, OpenJobs, this, Time, wrapped, metrics, NullLogger<JobAppender>.Instance);
        Sweep = new DeadlineSweep(Appender, OpenJobs, store, Time, wrapped, NullLogger<DeadlineSweep>.Instance);
    }

    public FixedTime Time { get; }

    public JobLogStorage Storage { get; }

    public OpenJobs OpenJobs { get; }

    public JobAppender Appender { get; }

    public DeadlineSweep Sweep { get; }

    public ConcurrentQueue<JobEvent> Published { get; } = [];

    public Task<AppendOutcome> CreateAsync(
        Guid jobId, string owner = "u1", string? bodyHash = null, int maxPerOwner = 5, int max = 2000, TimeSpan? deadline = null) =>
        Appender.AppendAsync(
            jobId,
            new AppendJobEvents(
                [Input("queued.started", "queued", "started")],
                new JobCreation(owner, "scan", Time.GetUtcNow() + (deadline ?? TimeSpan.FromMinutes(5)), bodyHash, maxPerOwner, max)),
            CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    public Task<AppendOutcome> AppendAsync(Guid jobId, params JobEventInput[] inputs) =>
        Appender.AppendAsync(jobId, new AppendJobEvents(inputs), CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60));

    public async Task<IReadOnlyList<JobEvent>> ReadAsync(FakeLogStore store, Guid jobId, long after = 0) =>
        await Storage.ReadEntriesAsync(store.Peek<JobHead>(JobLogKeys.Head(jobId))!, after, CancellationToken.None);

    public Task PublishAsync(Guid jobId, IReadOnlyList<JobEvent> entries, CancellationToken cancellationToken)
    {
        foreach (var entry in entries)
        {
            Published.Enqueue(entry);
        }

        return Task.CompletedTask;
    }

    public static JobEventInput Input(string key, string stage, string status, int progress = 0, string? message = null) =>
        new(key, stage, status, progress, Start, Message: message);
}

/// <summary>A clock that a test sets; delays run on real time.</summary>
internal sealed class FixedTime(DateTimeOffset now) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = now;

    public override DateTimeOffset GetUtcNow() => Now;
}
