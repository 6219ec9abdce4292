using Ai.Calls;
using Ai.Policies;
using Microsoft.Extensions.Logging;
using TestKit;

namespace Ai.Tests.Policies;

public sealed class BreakerPolicyTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Script _script = new();
    private readonly LogLines<BreakerPolicy> _log = new();
    private readonly Breakers _breakers;
    private readonly BreakerPolicy _policy;

    public BreakerPolicyTests()
    {
        _breakers = new Breakers(_time);
        _policy = new BreakerPolicy(_breakers, _log);
    }

    private async Task<ModelFailure?> CallAsync(ModelCall? call = null) => (await _script.CallAsync(_policy, call))?.Failure;

    private async Task OpenAsync()
    {
        _script.Fails(ModelFailure.ServerError, times: 5);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(ModelFailure.ServerError, await CallAsync());
        }
    }

    [Fact]
    public async Task Opens_after_five_failures_for_thirty_seconds_and_says_when_to_come_back()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(10));

        var failure = await Assert.ThrowsAsync<ModelException>(() => _policy.InvokeAsync(Script.Call(), _script.NextAsync, CancellationToken.None).AsTask());

        Assert.Equal((ModelFailure.CircuitOpen, TimeSpan.FromSeconds(20)), (failure.Failure, failure.RetryAfter));
        Assert.Equal(5, _script.Calls.Count);
        Assert.Contains("ServerError", failure.Message);
        Assert.Equal("Model p/m is paused for 00:00:30 after 5 failures, the last: ServerError", Assert.Single(_log.Lines).Text);
    }

    [Fact]
    public async Task One_model_does_not_answer_for_another()
    {
        await OpenAsync();
        _script.Answers();

        Assert.Null(await CallAsync(Script.Call(model: Script.Model with { Id = "p/other" })));
    }

    [Fact]
    public async Task Forgets_failures_that_are_older_than_the_window()
    {
        _script.Fails(ModelFailure.ServerError, times: 9);
        for (var i = 0; i < 9; i++)
        {
            Assert.Equal(ModelFailure.ServerError, await CallAsync());
            _time.Advance(TimeSpan.FromSeconds(7.6));
        }
    }

    [Fact]
    public async Task Stays_closed_while_more_calls_go_well_than_fail()
    {
        for (var i = 0; i < 30; i++)
        {
            _script.Fails(ModelFailure.ServerError).Answers().Answers();
            Assert.Equal(ModelFailure.ServerError, await CallAsync());
            Assert.Null(await CallAsync());
            Assert.Null(await CallAsync());
        }
    }

    [Fact]
    public async Task Lets_one_call_try_and_closes_when_it_was_answered()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        var answer = new TaskCompletionSource<ModelAnswer>();
        _script.Does((_, _) => new(answer.Task));

        var trying = CallAsync();
        Assert.Equal(ModelFailure.CircuitOpen, await CallAsync());
        answer.SetResult(Script.Whole(Script.Model));

        Assert.Null(await trying);
        _script.Answers().Answers();
        Assert.Null(await CallAsync());
        Assert.Null(_breakers.OpenOf("p/m"));
        Assert.Equal((LogLevel.Information, "Model p/m answers again"), _log.Lines[^1]);
    }

    [Fact]
    public async Task Opens_anew_when_the_try_fails()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        _script.Fails(ModelFailure.Unreachable);

        Assert.Equal(ModelFailure.Unreachable, await CallAsync());
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(ModelFailure.CircuitOpen, await CallAsync());
        Assert.Equal(new Breaker.Open(ModelFailure.Unreachable, TimeSpan.FromSeconds(1)), _breakers.OpenOf("p/m"));
    }

    [Fact]
    public async Task A_try_that_was_cancelled_leaves_its_turn_to_the_next()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        _script.Does((_, _) => throw new OperationCanceledException()).Answers();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CallAsync());

        Assert.Null(await CallAsync());
    }

    [Fact]
    public async Task A_stream_that_tries_and_is_never_ended_holds_the_next_try_up_for_one_open_time()
    {
        await OpenAsync();
        _time.Advance(TimeSpan.FromSeconds(30));
        _script.Streams("a", "b").Answers();
        await _policy.InvokeAsync(Script.Call(streamed: true), _script.NextAsync, CancellationToken.None);

        Assert.Equal(ModelFailure.CircuitOpen, await CallAsync());
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(await CallAsync());
    }

    [Fact]
    public async Task A_stream_that_breaks_counts()
    {
        for (var i = 0; i < 5; i++)
        {
            _script.Streams("a", Script.Failed(ModelFailure.Cut));
            Assert.Equal(ModelFailure.Cut, await CallAsync(Script.Call(streamed: true)));
        }

        Assert.Equal(ModelFailure.CircuitOpen, await CallAsync());
    }

    public static TheoryData<ModelFailure> All => [.. Enum.GetValues<ModelFailure>()];

    [Theory]
    [MemberData(nameof(All))]
    public async Task Counts_what_the_table_says(ModelFailure failure)
    {
        _script.Fails(failure, times: 5).Answers();
        for (var i = 0; i < 5; i++)
        {
            await CallAsync();
        }

        Assert.Equal(ModelFailures.RuleOf(failure).CountsAgainstModel ? ModelFailure.CircuitOpen : null, await CallAsync());
    }
}
