using System.Text.Json;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ScanWorker.Stages;
using ServiceDefaults;
using TestKit;

namespace ScanWorker.Tests;

/// <summary>
/// A stage whose process ends between any two of its steps is run again. Whatever the step: nobody hears of a result before it is stored, and
/// after that nothing is worked out a second time.
/// </summary>
public sealed class StageRunnerCrashTests : IAsyncLifetime
{
    private sealed record Answer(int Number);

    /// <summary>Every place where a process can end, in the order in which a run comes by.</summary>
    private static readonly string[] Places =
    [
        "before started", "after started", "before read", "after read", "before work", "after work", "before write", "after write",
        "before publish", "after publish", "before completed", "after completed",
    ];

    private readonly Guid _job = Guid.NewGuid();
    private readonly FakeJobLog _log = new();
    private readonly List<int> _published = [];
    private FakeSidecar _sidecar = null!;
    private DaprClient _dapr = null!;
    private StageRunner _stages = null!;
    private int _worked;

    /// <summary>What ends the current run, and where.</summary>
    private (string Place, CancellationTokenSource Process) _end = ("", new());

    public static TheoryData<string> Crashes => new(Places);

    private string Key => $"result:{_job}:answer";

    public async ValueTask InitializeAsync()
    {
        _sidecar = await FakeSidecar.StartAsync();
        _dapr = new DaprClientBuilder().UseHttpEndpoint(_sidecar.Address).UseJsonSerializationOptions(TandemJson.Options).Build();
        _stages = new StageRunner(_dapr, _log.Client(), Options.Create(new ScanWorkerOptions()), TimeProvider.System);
        _sidecar.Before = (operation, http) => PassAsync($"before {operation}", http.Abort);
        _sidecar.After = (operation, http) => PassAsync($"after {operation}", http.Abort);
        _log.Before = key => PassAsync($"before {key.Split('.')[1]}");
        _log.After = key => PassAsync($"after {key.Split('.')[1]}");
    }

    public async ValueTask DisposeAsync()
    {
        _dapr.Dispose();
        await _sidecar.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Crashes))]
    public async Task A_run_that_ends_anywhere_is_made_up_for_by_the_next(string place)
    {
        Assert.True(await EndsAsync(place));
        await FinishAsync();
    }

    [Theory]
    [MemberData(nameof(Crashes))]
    public async Task So_is_a_run_after_it_that_ends_elsewhere(string first)
    {
        foreach (var second in Places)
        {
            var job = new StageRunnerCrashTests();
            await job.InitializeAsync();
            await using (job)
            {
                Assert.True(await job.EndsAsync(first));
                // A second run does not come by the places of work that is stored already.
                await job.EndsAsync(second);
                await job.FinishAsync();
            }
        }
    }

    [Fact]
    public async Task Two_runs_at_a_time_return_and_tell_what_was_stored_first()
    {
        var both = new Barrier(2);
        Task<Answer> RunAsync() => Task.Run(() => _stages.RunAsync(Stage.Answer, new StageAttempt(_job, 1), _ =>
        {
            var number = Interlocked.Increment(ref _worked);
            Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(60), CancellationToken.None));
            return Task.FromResult(new Answer(number));
        }));

        var answers = await Task.WhenAll(RunAsync(), RunAsync()).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(answers[0], answers[1]);
        Assert.Equal(answers[0], Told());
    }

    /// <summary>Runs the stage in a process that ends at a place; false when it did not come by.</summary>
    private async Task<bool> EndsAsync(string place)
    {
        using var process = new CancellationTokenSource();
        _end = (place, process);
        try
        {
            await RunAsync(process.Token);
            return false;
        }
        catch (OperationCanceledException) when (process.IsCancellationRequested)
        {
            return true;
        }
    }

    private async Task FinishAsync()
    {
        _end = ("", new());
        var result = await RunAsync(CancellationToken.None);

        Assert.Equal(["answer.started", "answer.completed"], _log.Keys);
        Assert.Equal(result, Told());
        Assert.Equal(result, JsonSerializer.Deserialize<Answer>(_sidecar.Stored(Key)!, TandemJson.Options));
        Assert.NotEmpty(_published);
        Assert.All(_published, number => Assert.Equal(result.Number, number));
    }

    private async Task<Answer> RunAsync(CancellationToken process)
    {
        var (stored, worked) = (_sidecar.Stored(Key), _worked);
        try
        {
            return await _stages.RunAsync(
                Stage.Answer, new StageAttempt(_job, 1),
                async _ =>
                {
                    await PassAsync("before work");
                    var answer = new Answer(++_worked);
                    await PassAsync("after work");
                    return answer;
                },
                async (answer, _) =>
                {
                    await PassAsync("before publish");
                    Assert.NotNull(_sidecar.Stored(Key));
                    _published.Add(answer.Number);
                    await PassAsync("after publish");
                },
                cancellationToken: process).WaitAsync(TimeSpan.FromSeconds(60), CancellationToken.None);
        }
        finally
        {
            // The promise: one model call before the result is stored, none after it.
            Assert.InRange(_worked - worked, 0, stored is null ? 1 : 0);
            Assert.True(_sidecar.Stored(Key) is not null || !_log.Keys.Contains("answer.completed"));
        }
    }

    private Answer? Told() => _log.Entries[^1].Result!.Value.Deserialize<Answer>(TandemJson.Options);

    private async Task PassAsync(string place, Action? abort = null)
    {
        var (end, process) = _end;
        if (place == end)
        {
            await process.CancelAsync();
            abort?.Invoke();
            process.Token.ThrowIfCancellationRequested();
        }
    }
}
