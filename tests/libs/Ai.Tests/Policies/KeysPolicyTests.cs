using Ai.Calls;
using Ai.Catalogue;
using Ai.Policies;
using Ai.Providers;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using TestKit;

namespace Ai.Tests.Policies;

public sealed class KeysPolicyTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Script _script = new();
    private readonly LogLines<KeysPolicy> _log = new();
    private readonly Keys _keys = new();
    private readonly KeyPools _pools;
    private readonly KeysPolicy _policy;

    public KeysPolicyTests()
    {
        _pools = new KeyPools(_ => new ProviderOptions(), _time);
        _policy = new KeysPolicy(_keys, _pools, _log);
    }

    private static ProviderKey Key(string name, int weight = 1, int requests = 0, int tokens = 0) =>
        new(name, $"value of {name}", new ProviderKeyOptions { Weight = weight, RequestsPerMinute = requests, TokensPerMinute = tokens });

    private Task<ModelException?> CallAsync(ModelCall? call = null) => _script.CallAsync(_policy, call);

    private string Used => string.Concat(_script.Calls.Select(call => call.Key?["value of ".Length..]));

    [Fact]
    public async Task Takes_turns_by_weight_smoothly()
    {
        _keys.Set(Key("a", weight: 5), Key("b"), Key("c"));
        for (var i = 0; i < 14; i++)
        {
            _script.Answers();
            await CallAsync();
        }

        Assert.Equal("aabacaaaabacaa", Used);
    }

    [Fact]
    public async Task A_provider_without_keys_passes()
    {
        _keys.Set(new ProviderKey("none", value: null, new ProviderKeyOptions()));
        _script.Fails(ModelFailure.RateLimited).Answers();

        var failure = await CallAsync();

        Assert.Equal((false, (TimeSpan?)null), (failure!.AnotherKey, failure.RetryAfter));
        Assert.Null(await CallAsync());
        Assert.Null(_script.Calls[1].Key);
    }

    [Fact]
    public async Task A_key_that_is_missing_is_said_so()
    {
        _keys.Set();

        var failure = await CallAsync();

        Assert.Equal((ModelFailure.NoKey, (TimeSpan?)null), (failure!.Failure, failure.RetryAfter));
        Assert.Contains("set it", failure.Message);
        Assert.Empty(_script.Calls);
    }

    [Theory]
    [InlineData(null, 20)]
    [InlineData(7.0, 7)]
    [InlineData(0.0, 1)]
    public async Task A_key_that_was_told_to_slow_down_is_left_alone(double? retryAfter, double pause)
    {
        _keys.Set(Key("a"));
        _script.Fails(ModelFailure.RateLimited, retryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null).Answers();

        var first = await CallAsync();
        _time.Advance(TimeSpan.FromSeconds(pause - 0.5));
        var second = await CallAsync();
        _time.Advance(TimeSpan.FromSeconds(0.5));

        Assert.Equal((ModelFailure.RateLimited, TimeSpan.FromSeconds(pause), false), (first!.Failure, first.RetryAfter, first.AnotherKey));
        Assert.Equal((ModelFailure.NoKey, TimeSpan.FromSeconds(0.5)), (second!.Failure, second.RetryAfter));
        Assert.Contains("'a' cools down", second.Message);
        Assert.Null(await CallAsync());
    }

    [Fact]
    public async Task Says_that_another_key_is_ready_and_uses_it()
    {
        _keys.Set(Key("a"), Key("b"));
        _script.Fails(ModelFailure.RateLimited).Answers().Answers();

        Assert.True((await CallAsync())!.AnotherKey);
        await CallAsync();
        await CallAsync();

        Assert.Equal("abb", Used);
    }

    [Theory]
    [InlineData(ModelFailure.Unauthorized)]
    [InlineData(ModelFailure.QuotaExhausted)]
    public async Task A_key_without_rights_or_quota_is_disabled_with_one_error_and_tried_again_later(ModelFailure failure)
    {
        _keys.Set(Key("a"));
        _script.Fails(failure, times: 2).Answers();

        Assert.Equal(TimeSpan.FromMinutes(10), (await CallAsync())!.RetryAfter);
        Assert.Equal(ModelFailure.NoKey, (await CallAsync())!.Failure);
        Assert.Equal(ModelFailure.NoKey, new ModelHealth(new Breakers(_time), _pools).OutageOf(Script.Model)!.Failure);
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(failure, (await CallAsync())!.Failure);
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Null(await CallAsync());

        Assert.Equal(
            [(LogLevel.Error, $"Key 'a' of p is disabled for 00:10:00 or until its value changes: p/m answered {failure}"), (LogLevel.Information, "Key 'a' of p works again")],
            _log.Lines);
        Assert.Equal(1, _keys.Rereads);
        Assert.Null(new ModelHealth(new Breakers(_time), _pools).OutageOf(Script.Model));
    }

    [Fact]
    public async Task A_key_that_may_not_use_one_model_serves_the_others()
    {
        _keys.Set(Key("a"));
        _script.Fails(ModelFailure.Forbidden).Answers();

        await CallAsync();

        Assert.Contains("'a' may not use p/m", (await CallAsync())!.Message);
        Assert.Null(await CallAsync(Script.Call(model: Script.Model with { Id = "p/other" })));
    }

    [Fact]
    public async Task A_key_whose_value_changes_starts_afresh_and_the_others_stay_as_they_are()
    {
        var cooling = Key("b");
        _keys.Set(Key("a"), cooling);
        _script.Fails(ModelFailure.Unauthorized).Fails(ModelFailure.RateLimited).Answers();
        await CallAsync();
        await CallAsync();

        _keys.Set(new ProviderKey("a", "value of new", new ProviderKeyOptions()), cooling);

        Assert.Null(await CallAsync());
        Assert.Equal("abnew", Used);
    }

    [Fact]
    public async Task Keeps_to_the_requests_of_a_minute()
    {
        _keys.Set(Key("a", requests: 2), Key("b", requests: 1));
        _script.Answers().Answers().Answers().Answers();
        for (var i = 0; i < 3; i++)
        {
            Assert.Null(await CallAsync());
        }

        var failure = await CallAsync();

        Assert.Equal(ModelFailure.NoKey, failure!.Failure);
        Assert.Equal(30, failure.RetryAfter!.Value.TotalSeconds, tolerance: 0.001);
        _time.Advance(failure.RetryAfter.Value);
        Assert.Null(await CallAsync());
        Assert.Equal("aaab", string.Concat(Used.Order()));
    }

    [Fact]
    public async Task Keeps_to_the_tokens_of_a_minute_by_estimate_and_then_by_what_was_used()
    {
        _keys.Set(Key("a", tokens: 1000));
        var call = Script.Call() with { Options = new ChatOptions { MaxOutputTokens = 599 } };
        // One token for the question and 599 for the answer: a second one does not fit until the first is settled.
        _script.Answers(new UsageDetails { InputTokenCount = 100, OutputTokenCount = 100 }).Answers(new UsageDetails { InputTokenCount = 900, OutputTokenCount = 300 });

        Assert.Null(await CallAsync(call));
        Assert.Null(await CallAsync(call));
        var failure = await CallAsync(call);

        // 1000 - 200 - 1200 = -400 is left, 600 are asked for.
        Assert.Equal(60, failure!.RetryAfter!.Value.TotalSeconds, tolerance: 0.001);
    }

    [Theory]
    [InlineData(ModelFailure.ServerError, 0)]
    [InlineData(ModelFailure.BadRequest, 0)]
    [InlineData(ModelFailure.NoFirstByte, 600)]
    public async Task Gives_tokens_back_when_the_provider_cannot_have_used_them(ModelFailure failure, int kept)
    {
        _keys.Set(Key("a", tokens: 1000));
        var call = Script.Call() with { Options = new ChatOptions { MaxOutputTokens = 599 } };
        _script.Fails(failure).Answers();
        await CallAsync(call);

        var second = await CallAsync(call);

        Assert.Equal(kept == 0 ? null : ModelFailure.NoKey, second?.Failure);
    }

    [Fact]
    public async Task A_stream_is_settled_at_its_end_and_its_failure_noted()
    {
        _keys.Set(Key("a", tokens: 1000));
        _script.Streams("a", new UsageDetails { InputTokenCount = 1000, OutputTokenCount = 1000 }, Script.Failed(ModelFailure.RateLimited));

        Assert.Equal(ModelFailure.RateLimited, (await CallAsync(Script.Call(streamed: true)))!.Failure);
        Assert.Contains("'a' cools down", (await CallAsync())!.Message);
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.Contains("used up its minute", (await CallAsync())!.Message);
    }

    [Fact]
    public async Task Never_says_the_value_of_a_key()
    {
        _keys.Set(Key("a"));
        _script.Fails(ModelFailure.RateLimited).Fails(ModelFailure.Unauthorized);

        string[] said = [(await CallAsync())!.ToString(), (await CallAsync())!.ToString(), .. _log.Lines.Select(line => line.Text)];

        Assert.DoesNotContain(said, text => text.Contains("value of a", StringComparison.Ordinal));
    }

    private sealed class Keys : IProviderKeys
    {
        private ProviderKeys _keys = new([], "set it");

        public int Rereads { get; private set; }

        public void Set(params ProviderKey[] keys) => _keys = new(keys, "set it");

        public ValueTask<ProviderKeys> OfAsync(string provider, CancellationToken cancellationToken) => new(_keys);

        public ValueTask<string?> CredentialsOfAsync(string provider, CancellationToken cancellationToken) => new((string?)null);

        public void Reread(string provider) => Rereads++;
    }
}
