using System.Collections.Concurrent;
using Desk.Generation;
using Desk.Photos;
using Desk.Vision;
using Microsoft.Extensions.Options;

namespace Desk.Tests;

/// <summary>Who is next, at one picture at a time.</summary>
public sealed class DecodeLineTests
{
    private const int Queue = 2;
    private readonly DecodeLine _line = new(Options.Create(new DeskOptions { DecodeConcurrency = 1, DecodeQueue = Queue }));
    private readonly TaskCompletionSource _first = new();
    private readonly ConcurrentQueue<string> _done = [];

    [Fact]
    public async Task Steps_of_the_tasks_that_are_furthest_go_first()
    {
        var all = Hold([Step(DeskStep.Download, "a"), Step(DeskStep.Download, "b"), Step(DeskStep.Classify, "c"), Step(DeskStep.Draw, "d"), Step(DeskStep.Classify, "e")]);

        await LetGoAsync(all);
        Assert.Equal(["d", "c", "e", "a", "b"], _done);
    }

    [Fact]
    public async Task Requests_and_steps_take_turns()
    {
        var all = Hold([Step(DeskStep.Draw, "a"), Step(DeskStep.Download, "b"), Step(DeskStep.Download, "c"), Request("1"), Request("2")]);

        await LetGoAsync(all);
        Assert.Equal(["1", "a", "2", "b", "c"], _done);
    }

    [Fact]
    public async Task Tasks_in_line_keep_no_request_away_and_only_so_many_requests_wait()
    {
        var all = Hold([.. Enumerable.Range(0, 100).Select(index => Step(DeskStep.Download, $"s{index}")), Request("1"), Request("2")]);
        await Assert.ThrowsAsync<DeskBusyException>(Request("3"));

        await LetGoAsync(all);
        Assert.Equal(["1", "s0", "2", "s1"], _done.Take(4));
        Assert.Equal(100 + Queue, _done.Count);
    }

    [Fact]
    public async Task Who_leaves_the_line_gives_his_place_to_others()
    {
        using var gone = new CancellationTokenSource();
        var all = Hold([Request("1", gone.Token), Step(DeskStep.Download, "a"), Request("2", gone.Token)]);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all[0]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all[2]);
        Task[] others = [all[1], Request("3")(), Request("4")()];

        await LetGoAsync(others);
        Assert.Equal(["3", "a", "4"], _done);

        // The place itself is free again.
        await Request("5")();
    }

    /// <summary>Puts all in line, in this order, behind one that is at it.</summary>
    private Task[] Hold(Func<Task>[] others)
    {
        _ = _line.RunAsync(async () => { await _first.Task; return 0; }, step: null, DeskPlatform.Cancel);
        return [.. others.Select(other => other())];
    }

    private async Task LetGoAsync(Task[] all)
    {
        _first.SetResult();
        await Task.WhenAll(all).WaitAsync(TimeSpan.FromSeconds(60), DeskPlatform.Cancel);
    }

    private Func<Task> Request(string name, CancellationToken cancellationToken = default) => () => _line.RunAsync(() => Done(name), cancellationToken);

    private Func<Task> Step(DeskStep step, string name) => async () =>
    {
        using var time = new StepTime(step, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60), TimeProvider.System);
        await _line.RunAsync(() => Done(name), time);
    };

    private int Done(string name)
    {
        _done.Enqueue(name);
        return 0;
    }
}
