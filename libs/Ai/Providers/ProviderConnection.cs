namespace Ai.Providers;

/// <summary>What a client of one provider with one key is made from.</summary>
/// <param name="Name">Name of the provider's entry in the configuration; in metadata and errors.</param>
/// <param name="Options">Its options.</param>
/// <param name="Key">The API key, or null where the provider needs none or signs in otherwise. Never in a message, a log or a trace.</param>
/// <param name="Http">The provider's connections, shared by all its clients; has no timeout of its own.</param>
public sealed record ProviderConnection(string Name, ProviderOptions Options, string? Key, HttpClient Http)
{
    /// <summary>Without the blanks and the line end that a secret from a file has. What cannot stand in a header is <see cref="ModelFailure.Unauthorized"/>.</summary>
    public string? Key { get; init => field = Sendable(value); } = Sendable(Key);

    /// <summary>Tokens of output that the model gives at most, for protocols that must name a limit; 0 where it is not known.</summary>
    public int OutputTokens { get; init; }

    /// <summary>Without the key.</summary>
    public override string ToString() => $"{Name} ({Options.Kind})";

    private static string? Sendable(string? key)
    {
        var trimmed = key?.Trim();
        return trimmed?.All(c => c is > ' ' and < '\x7f') == false
            // An HTTP client would send a line break as a header of its own, or repeat the key in its exception.
            ? throw new ModelException(ModelFailure.Unauthorized, "the key has characters that cannot be sent")
            : trimmed is { Length: > 0 } ? trimmed : null;
    }
}
