using Ai.Calls;
using Ai.Policies;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Ai.Tests.Policies;

public sealed class RetryPolicyTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Script _script = new();

    /// <summary>Makes a call, lets each wait pass and notes how long it was.</summary>
    private async Task<(List<double> Waits, ModelException? Failure)> RunAsync(ModelCall call)
    {
        var running = new RetryPolicy(_time, NullLogger<RetryPolicy>.Instance).InvokeAsync(call, _script.NextAsync, CancellationToken.None).AsTask();
        var waits = new List<double>();
        while (!running.IsCompleted)
        {
            var calls = _script.Calls.Count;
            waits.Add(_time.AdvanceToNextTimer()!.Value.TotalSeconds);
            await Wait.UntilAsync(() => running.IsCompleted || (_script.Calls.Count > calls && _time.ArmedTimers > 0));
        }

        return (waits, await Record.ExceptionAsync(() => running) as ModelException);
    }

    private static ModelCallOptions Options(int retries = 2) => new() { Retries = retries };

    [Fact]
    public async Task Waits_longer_each_time_with_jitter_up_to_the_longest()
    {
        _script.Fails(ModelFailure.ServerError, times: 7);

        var (waits, failure) = await RunAsync(Script.Call(Options(retries: 6)));

        Assert.Equal(ModelFailure.ServerError, failure!.Failure);
        Assert.Equal(7, _script.Calls.Count);
        Assert.All(waits.Zip([1.0, 2, 4, 8, 10, 10]), wait => Assert.InRange(wait.First, wait.Second / 2, wait.Second));
    }

    [Fact]
    public async Task Makes_three_attempts_of_its_own_accord()
    {
        _script.Fails(ModelFailure.RequestTimeout, times: 3);

        await RunAsync(Script.Call());

        Assert.Equal(3, _script.Calls.Count);
    }

    [Fact]
    public async Task Tries_a_server_that_cannot_be_reached_longer()
    {
        _script.Fails(ModelFailure.Unreachable, times: 5);

        var (waits, _) = await RunAsync(Script.Call());

        Assert.Equal(5, _script.Calls.Count);
        Assert.All(waits.Zip([2.0, 4, 8, 16]), wait => Assert.InRange(wait.First, wait.Second / 2, wait.Second));
    }

    [Theory]
    [InlineData(ModelFailure.Malformed)]
    [InlineData(ModelFailure.AnswerInvalid)]
    public async Task Asks_once_more_after_an_answer_that_is_wrong(ModelFailure failure)
    {
        _script.Fails(failure, times: 2);

        var (waits, _) = await RunAsync(Script.Call());

        Assert.Equal([0.5], waits);
    }

    [Fact]
    public async Task Waits_as_long_as_the_provider_asks()
    {
        _script.Fails(ModelFailure.RateLimited, TimeSpan.FromSeconds(7)).Answers();

        var (waits, failure) = await RunAsync(Script.Call());

        Assert.Null(failure);
        Assert.InRange(Assert.Single(waits), 7, 7.5);
    }

    [Theory]
    [InlineData(ModelFailure.RateLimited)]
    [InlineData(ModelFailure.ServerError)]
    [InlineData(ModelFailure.NoKey)]
    public async Task Gives_up_when_that_is_too_long(ModelFailure failure)
    {
        _script.Fails(failure, TimeSpan.FromSeconds(10.1));

        Assert.Equal(TimeSpan.FromSeconds(10.1), (await RunAsync(Script.Call())).Failure!.RetryAfter);
    }

    [Fact]
    public async Task Gives_up_when_the_call_has_no_time_left_for_the_wait()
    {
        _script.Fails(ModelFailure.ServerError, TimeSpan.FromSeconds(5));

        var (_, failure) = await RunAsync(Script.Call() with { Deadline = _time.GetTimestamp() + TimeSpan.TicksPerSecond * 5 });

        Assert.Equal(ModelFailure.ServerError, failure!.Failure);
        Assert.Single(_script.Calls);
    }

    [Fact]
    public async Task Takes_another_key_at_once_and_does_not_count_it()
    {
        for (var key = 0; key < 5; key++)
        {
            _script.Does((_, _) => throw new ModelException(ModelFailure.Unauthorized, "no") { AnotherKey = true });
        }

        _script.Answers();

        var (waits, failure) = await RunAsync(Script.Call(Options(retries: 0)));

        Assert.Null(failure);
        Assert.Empty(waits);
        Assert.Equal(6, _script.Calls.Count);
    }

    [Fact]
    public async Task Does_not_go_through_any_number_of_keys()
    {
        for (var key = 0; key < 11; key++)
        {
            _script.Does((_, _) => throw new ModelException(ModelFailure.RateLimited, "no") { AnotherKey = true });
        }

        Assert.Equal(ModelFailure.RateLimited, (await RunAsync(Script.Call())).Failure!.Failure);
        Assert.Equal(11, _script.Calls.Count);
    }

    public static TheoryData<ModelFailure> All => [.. Enum.GetValues<ModelFailure>()];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Sends_again_what_the_table_allows_and_nothing_else(ModelFailure failure)
    {
        var rule = ModelFailures.RuleOf(failure);
        var again = rule.Resend == Resend.MayBillTwice || (rule.Resend == Resend.Safe
            && failure is not (ModelFailure.Unauthorized or ModelFailure.Forbidden or ModelFailure.QuotaExhausted or ModelFailure.NoKey));
        _script.Fails(failure).Answers();

        var (_, failed) = await RunAsync(Script.Call());

        Assert.Equal(again, failed is null);
    }

    [Theory]
    [InlineData(ModelFailure.NoFirstByte)]
    [InlineData(ModelFailure.Malformed)]
    public async Task Does_not_send_again_what_may_bill_twice_when_told_so(ModelFailure failure)
    {
        _script.Fails(failure);

        await RunAsync(Script.Call(new ModelCallOptions { RetryWhatMayBillTwice = false }));

        Assert.Single(_script.Calls);
    }

    [Fact]
    public async Task Leaves_a_stream_that_has_begun_alone()
    {
        _script.Streams("a", Script.Failed(ModelFailure.Cut));
        var answer = await new RetryPolicy(_time, NullLogger<RetryPolicy>.Instance).InvokeAsync(Script.Call(streamed: true), _script.NextAsync, CancellationToken.None);

        await Assert.ThrowsAsync<ModelException>(() => Script.ReadAsync(answer));

        Assert.Single(_script.Calls);
    }

    [Fact]
    public async Task Stops_waiting_when_the_caller_cancels()
    {
        _script.Fails(ModelFailure.ServerError);
        using var cancel = new CancellationTokenSource();
        var running = new RetryPolicy(_time, NullLogger<RetryPolicy>.Instance).InvokeAsync(Script.Call(), _script.NextAsync, cancel.Token).AsTask();

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(0, _time.ArmedTimers);
    }
}
