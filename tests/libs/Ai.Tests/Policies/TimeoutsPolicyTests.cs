using Ai.Calls;
using Ai.Policies;
using TestKit;

namespace Ai.Tests.Policies;

public sealed class TimeoutsPolicyTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Script _script = new();
    private readonly CancellationTokenSource _cancel = new();

    private Task<ModelAnswer> StartAsync(IModelPolicy policy, bool streamed = false, ModelCallOptions? options = null) =>
        policy.InvokeAsync(Script.Call(options, streamed: streamed), _script.NextAsync, _cancel.Token).AsTask();

    private TimeoutsPolicy Timeouts => new(_time);

    private TotalTimeoutPolicy Total => new(_time);

    private static async Task<ModelFailure> FailureAsync(Task running) => (await Assert.ThrowsAsync<ModelException>(() => running)).Failure;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gives_up_on_an_answer_that_does_not_begin(bool streamed)
    {
        _ = streamed ? _script.Streams(new TaskCompletionSource().Task) : _script.Hangs();
        var running = StartAsync(Timeouts, streamed);

        _time.Advance(TimeSpan.FromSeconds(59.9));
        Assert.False(running.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(ModelFailure.NoFirstByte, await FailureAsync(running));
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public async Task Gives_up_on_a_stream_that_falls_silent()
    {
        _script.Streams("a", new TaskCompletionSource().Task);
        var reading = Script.ReadAsync(await StartAsync(Timeouts, streamed: true));

        _time.Advance(TimeSpan.FromSeconds(29.9));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(ModelFailure.Idle, await FailureAsync(reading));
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public async Task Counts_the_silence_from_each_piece_anew()
    {
        TaskCompletionSource[] waits = [new(), new(), new()];
        _script.Streams("a", waits[0].Task, "b", waits[1].Task, "c", waits[2].Task);
        var reading = Script.ReadAsync(await StartAsync(Timeouts, streamed: true));
        foreach (var wait in waits)
        {
            await Wait.UntilAsync(() => _time.ArmedTimers == 1);
            _time.Advance(TimeSpan.FromSeconds(29));
            wait.SetResult();
        }

        Assert.Equal("abc", await reading);
    }

    [Fact]
    public async Task Lets_the_reader_take_its_time()
    {
        _script.Streams("a", "b", "c");
        var answer = await Total.InvokeAsync(
            Script.Call(streamed: true), (call, token) => Timeouts.InvokeAsync(call, _script.NextAsync, token), CancellationToken.None);

        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal("abc", await Script.ReadAsync(answer));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_callers_cancellation_stays_one_even_when_the_time_is_up_too(bool total)
    {
        _script.Does(async (_, token) =>
        {
            // The connection that was torn down by the cancellation shows as any error.
            var ended = new TaskCompletionSource();
            await using var registration = token.Register(ended.SetResult);
            await ended.Task;
            throw new IOException("broken");
        });
        var running = StartAsync(total ? Total : Timeouts);

        await _cancel.CancelAsync();
        _time.Advance(TimeSpan.FromHours(1));

        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(_cancel.Token, exception.CancellationToken);
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public async Task What_the_provider_said_is_not_covered_up_by_a_timeout_at_the_same_moment()
    {
        _script.Does((_, _) =>
        {
            _time.Advance(TimeSpan.FromHours(1));
            throw Script.Failed(ModelFailure.BadRequest);
        });

        Assert.Equal(ModelFailure.BadRequest, await FailureAsync(StartAsync(Timeouts)));
    }

    [Fact]
    public async Task Limits_the_whole_call()
    {
        _script.Hangs();
        var running = StartAsync(Total);

        Assert.Equal(_time.GetTimestamp() + TimeSpan.TicksPerSecond * 180, _script.Calls[0].Deadline);
        _time.Advance(TimeSpan.FromSeconds(180));

        Assert.Equal(ModelFailure.TotalTimeout, await FailureAsync(running));
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public async Task Limits_a_stream_by_what_the_model_takes_for_all_of_it()
    {
        TaskCompletionSource[] waits = [new(), new()];
        _script.Streams(waits[0].Task, "a", waits[1].Task, "b", new TaskCompletionSource().Task);
        var starting = StartAsync(Total, streamed: true);
        _time.Advance(TimeSpan.FromSeconds(100));
        waits[0].SetResult();
        await using var answer = (StreamedAnswer)await starting;

        // The reader's own time does not count.
        _time.Advance(TimeSpan.FromSeconds(100));
        var second = answer.MoveNextAsync().AsTask();
        _time.Advance(TimeSpan.FromSeconds(70));
        waits[1].SetResult();
        Assert.True(await second);
        var third = answer.MoveNextAsync().AsTask();
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(third.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(ModelFailure.TotalTimeout, await FailureAsync(third));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Holds_nothing_after_a_reader_that_leaves_early(bool total)
    {
        _script.Streams("a", new TaskCompletionSource().Task);
        var answer = (StreamedAnswer)await StartAsync(total ? Total : Timeouts, streamed: true);

        await answer.DisposeAsync();

        Assert.Equal(0, _time.ArmedTimers);
    }
}
