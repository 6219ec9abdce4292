using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.OAuth;

/// <summary>A sign-in that has begun: the document <c>oauth-state:{sha256(state)}</c>.</summary>
/// <param name="Provider">Whose callback it is for.</param>
/// <param name="RedirectUri">What the provider was told, and the token request repeats.</param>
/// <param name="CodeVerifier">Of PKCE (RFC 7636 §4.1).</param>
/// <param name="DeviceId">Of the client, if it gave one.</param>
/// <param name="FrontendOrigin">Where to go in the end; from the allow-list.</param>
/// <param name="BrowserHash">SHA-256 of the cookie that the browser got, in hex.</param>
/// <param name="ExpiresAt">When it is too late.</param>
public sealed record OAuthState(
    string Provider, string RedirectUri, string CodeVerifier, string? DeviceId, string FrontendOrigin, string BrowserHash, DateTimeOffset ExpiresAt);

/// <summary>
/// The single-use states of OAuth. A state that an attacker has read or planted is of no use: it works once, for its provider, and only in the browser
/// that began (RFC 9700 §4.7).
/// </summary>
internal sealed class OAuthStates(DaprClient dapr, TimeProvider time, IOptions<OAuthOptions> options)
{
    private const int MaxLength = 256;

    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };

    /// <summary>A random text of so many bytes, in base64url.</summary>
    public static string Random(int bytes) => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(bytes));

    /// <summary>The name, without prefix, of the cookie that ties a state to a browser. One for each, so that two tabs do not disturb each other.</summary>
    public static string CookieOf(string state) => $"s_oauth_{Hash(state)[..16]}";

    /// <summary>Hex of SHA-256.</summary>
    public static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Whether a client may use the text as its state: long enough not to be guessed, and nothing but base64url.</summary>
    public static bool IsAcceptable(string state) => state.Length is >= 32 and <= MaxLength && state.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Stores a state; false when there is one of that name.</summary>
    public async Task<bool> AddAsync(string name, OAuthState state, CancellationToken cancellationToken) =>
        state == await dapr.UpdateStateAsync<OAuthState>(
            Components.StateStore, Key(name), stored => stored ?? state, options.Value.StateLifetime, cancellationToken);

    /// <summary>
    /// Takes a state out of the store, once: of any number of callers at the same time one gets it. A browser without the cookie does not
    /// even use it up, so that who has only read a state cannot disturb the sign-in either.
    /// </summary>
    public async Task<OAuthState> ConsumeAsync(string? name, Func<string, string?> cookie, CancellationToken cancellationToken)
    {
        if (name is not { Length: > 0 and <= MaxLength })
        {
            throw new OAuthFailure("state_missing");
        }

        var (state, etag) = await dapr.GetStateAndETagAsync<OAuthState?>(Components.StateStore, Key(name), cancellationToken: cancellationToken);
        if (state is null || state.ExpiresAt <= time.GetUtcNow())
        {
            throw new OAuthFailure("state_unknown");
        }

        if (cookie(CookieOf(name)) is not { Length: > 0 and <= MaxLength } browser
            || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Hash(browser)), Encoding.ASCII.GetBytes(state.BrowserHash)))
        {
            throw new OAuthFailure("browser_mismatch");
        }

        return await dapr.TryDeleteStateAsync(Components.StateStore, Key(name), etag, FirstWrite, cancellationToken: cancellationToken)
            ? state
            : throw new OAuthFailure("state_unknown");
    }

    private static string Key(string name) => $"oauth-state:{Hash(name)}";
}
