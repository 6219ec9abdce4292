using Desk.Generation;
using TestKit;

namespace Desk.Tests;

/// <summary>How long a step may work, and stand in line.</summary>
public sealed class StepTimeTests
{
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public void A_step_that_works_for_too_long_is_ended()
    {
        using var step = new StepTime(DeskStep.Download, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(240), _clock);

        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(step.Token.IsCancellationRequested);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(step.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task Standing_in_line_takes_none_of_its_time()
    {
        using var step = new StepTime(DeskStep.Download, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(240), _clock);
        var turn = new TaskCompletionSource();

        _clock.Advance(TimeSpan.FromSeconds(4));
        var waiting = step.WaitAsync(turn.Task.WaitAsync);
        _clock.Advance(TimeSpan.FromSeconds(60));
        turn.SetResult();
        await waiting;

        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.False(step.Token.IsCancellationRequested);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(step.Token.IsCancellationRequested);
    }

    [Fact]
    public async Task A_deadline_ends_it_in_line()
    {
        using var step = new StepTime(DeskStep.Download, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(30), _clock);

        var waiting = step.WaitAsync(new TaskCompletionSource().Task.WaitAsync);
        _clock.Advance(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }
}
