using Ai.Providers;

namespace Ai.Policies;

/// <summary>A key and what is known about it. Its <see cref="KeyPool"/> synchronises.</summary>
internal sealed class PooledKey(ProviderKey key)
{
    private TokenBucket _requests = new(key.Options.RequestsPerMinute);
    private TokenBucket _tokens = new(key.Options.TokensPerMinute);
    private TimeSpan _until;
    private ModelFailure? _why;
    private Dictionary<string, TimeSpan>? _forbidden;

    public ProviderKey Key { get; } = key;

    /// <summary>State of the smooth weighted round robin.</summary>
    public int Turn { get; set; }

    /// <summary>Whether its having been disabled was reported.</summary>
    public bool Reported { get; set; }

    /// <summary>How long until it may be used for a call of so many tokens to a model; zero for now.</summary>
    public TimeSpan WaitFor(string model, int tokens, TimeSpan now)
    {
        var wait = _until - now;
        wait = Longer(wait, _requests.WaitFor(1, now));
        wait = Longer(wait, _tokens.WaitFor(tokens, now));
        if (_forbidden is not null && _forbidden.TryGetValue(model, out var until))
        {
            wait = Longer(wait, until - now);
        }

        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    public void Take(int tokens, TimeSpan now)
    {
        _requests.Take(1, now);
        _tokens.Take(tokens, now);
    }

    /// <summary>Puts right what was taken: positive takes more, negative gives back.</summary>
    public void Settle(long tokens, TimeSpan now) => _tokens.Take(tokens, now);

    public void Pause(ModelFailure why, TimeSpan until)
    {
        // An answer to an earlier call does not shorten a pause.
        if (until > _until)
        {
            (_why, _until) = (why, until);
        }
    }

    public void Forbid(string model, TimeSpan until) => (_forbidden ??= new(StringComparer.Ordinal))[model] = until;

    /// <summary>Why it cannot be used, for people.</summary>
    public string Describe(string model, TimeSpan now) =>
        _until > now ? $"'{Key.Name}' {(_why == ModelFailure.RateLimited ? "cools down" : $"is disabled ({_why})")}"
        : _forbidden is not null && _forbidden.TryGetValue(model, out var until) && until > now ? $"'{Key.Name}' may not use {model}"
        : $"'{Key.Name}' has used up its minute";

    private static TimeSpan Longer(TimeSpan left, TimeSpan right) => left > right ? left : right;
}
