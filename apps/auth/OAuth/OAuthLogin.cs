using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Auth.Sessions;
using Contracts.Users;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Auth.OAuth;

/// <summary>A sign-in that has just begun.</summary>
/// <param name="State">For the provider, and back.</param>
/// <param name="AuthorizationUrl">Where the browser goes now.</param>
/// <param name="Browser">Value of the cookie that ties the state to the browser.</param>
/// <param name="ExpiresAt">When it is too late.</param>
internal sealed record BegunLogin(string State, string AuthorizationUrl, string Browser, DateTimeOffset ExpiresAt);

/// <summary>The authorization code flow (RFC 6749 §4.1) with PKCE (RFC 7636).</summary>
internal sealed class OAuthLogin(
    OAuthStates states, OAuthClient client, UsersClient users, SessionService sessions, TimeProvider time, IOptions<OAuthOptions> options)
{
    private const int StateBytes = 32;
    private const int VerifierBytes = 64;

    /// <summary>Begins one; null when the client's own state was used before.</summary>
    public async Task<BegunLogin?> BeginAsync(
        string name, OAuthProviderOptions provider, string redirectUri, string frontend, string? deviceId, string? givenState, CancellationToken cancellationToken)
    {
        var state = givenState ?? OAuthStates.Random(StateBytes);
        var (browser, verifier) = (OAuthStates.Random(StateBytes), OAuthStates.Random(VerifierBytes));
        var expires = time.GetUtcNow() + options.Value.StateLifetime;
        if (!await states.AddAsync(state, new OAuthState(name, redirectUri, verifier, deviceId, frontend, OAuthStates.Hash(browser), expires), cancellationToken))
        {
            return null;
        }

        var query = new Dictionary<string, string?>
        {
            ["response_type"] = "code",
            ["client_id"] = provider.ClientId,
            ["redirect_uri"] = redirectUri,
            ["state"] = state,
        };
        if (provider.Scope.Length > 0)
        {
            query["scope"] = provider.Scope;
        }

        if (provider.Pkce)
        {
            query["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
            query["code_challenge_method"] = "S256";
        }

        foreach (var (key, value) in provider.AuthorizeParameters)
        {
            query[key] = value;
        }

        return new BegunLogin(state, QueryHelpers.AddQueryString(provider.AuthorizeUrl, query), browser, expires);
    }

    /// <summary>
    /// The rest of the way, after the state was consumed: code, profile, account, session. Each step may be interrupted: the code and the state are
    /// gone then, and the person begins again; an account that was made meanwhile is found by the next try.
    /// </summary>
    public async Task<(string UserId, TokenPair Tokens)> CompleteAsync(
        string name, OAuthProviderOptions provider, IQueryCollection query, OAuthState begun, Device device, CancellationToken cancellationToken)
    {
        if (begun.Provider != name)
        {
            throw new OAuthFailure("provider_mismatch");
        }

        if (Single(query, "redirect_uri") is { } redirect && redirect != begun.RedirectUri)
        {
            throw new OAuthFailure("redirect_mismatch");
        }

        // RFC 9207: an answer of another provider must not be exchanged with this one.
        if (Single(query, "iss") is { } issuer && issuer != provider.Issuer)
        {
            throw new OAuthFailure("issuer_mismatch");
        }

        if (Single(query, "error") is { } error)
        {
            throw new OAuthFailure(error == "access_denied" ? "denied" : "provider_refused");
        }

        if (Single(query, "code") is not { Length: > 0 } code)
        {
            throw new OAuthFailure("code_missing");
        }

        var token = await client.ExchangeAsync(name, provider, code, Single(query, "state")!, begun, cancellationToken);
        var profile = await client.ProfileAsync(name, provider, token, cancellationToken);
        var user = await users.SignInAsync(
            new SignInUser(name, profile.Id, time.GetUtcNow(), profile.Email, profile.Nickname, profile.Picture), cancellationToken);
        return (user.UserId, await sessions.StartAsync(new SignIn(user.UserId, name, device), cancellationToken));
    }

    /// <summary>A parameter; one that comes twice is refused (RFC 6749 §3.1).</summary>
    public static string? Single(IQueryCollection query, string name) => query[name] switch
    {
        { Count: 0 } => null,
        [var value] => value,
        _ => throw new OAuthFailure("parameter_repeated"),
    };
}
