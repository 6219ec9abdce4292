using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Contracts;
using Dapr;
using Dapr.Client;
using ServiceDefaults;

namespace Auth.OAuth;

/// <summary>Who somebody is for a provider.</summary>
internal sealed record OAuthProfile(string Id, string? Email, string? Nickname, string? Picture);

/// <summary>
/// Speaks to the providers, one named HTTP client each: no redirects, no cookies, limits of time and size, nothing but JSON. What they answer is a
/// stranger's word: a wrong shape is a failure, never an exception of another kind, and none of it is logged.
/// </summary>
internal sealed class OAuthClient(IHttpClientFactory clients, DaprClient dapr)
{
    private const int MaxToken = 16 * 1024;
    private const int MaxId = 256;
    private const int MaxEmail = 254;

    /// <summary>Name of a provider's HTTP client, and of its secret.</summary>
    public static string NameOf(string provider) => $"oauth-{provider}";

    /// <summary>Exchanges a code for an access token (RFC 6749 §4.1.3; PKCE: RFC 7636 §4.5).</summary>
    public async Task<string> ExchangeAsync(
        string name, OAuthProviderOptions provider, string code, string state, OAuthState begun, CancellationToken cancellationToken)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["client_id"] = provider.ClientId!,
            ["code"] = code,
            ["redirect_uri"] = begun.RedirectUri,
        };
        if (await SecretAsync(name, provider, cancellationToken) is { } secret)
        {
            form["client_secret"] = secret;
        }

        if (provider.Pkce)
        {
            form["code_verifier"] = begun.CodeVerifier;
        }

        if (provider.TokenNeedsState)
        {
            form["state"] = state;
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, provider.TokenUrl) { Content = new FormUrlEncodedContent(form) };
        using var answer = await SendAsync(name, "token", request, cancellationToken);
        return Text(answer.RootElement, "access_token") is { Length: > 0 and <= MaxToken } token && token.All(c => c is > ' ' and <= '~')
            && string.Equals(Text(answer.RootElement, "token_type"), "bearer", StringComparison.OrdinalIgnoreCase)
            ? token
            // Naver answers errors with 200.
            : throw new OAuthFailure("token_failed", $"no bearer token in the answer{ErrorOf(answer.RootElement)}");
    }

    /// <summary>Reads the profile that a token is for.</summary>
    public async Task<OAuthProfile> ProfileAsync(string name, OAuthProviderOptions provider, string token, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, provider.ProfileUrl);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await SendAsync(name, "profile", request, cancellationToken);
        var profile = answer.RootElement;
        return Text(profile, provider.IdPath) is { Length: > 0 and <= MaxId } id
            ? new OAuthProfile(
                id,
                Text(profile, provider.EmailPath) is { Length: > 0 and <= MaxEmail } email ? email : null,
                Text(profile, provider.NicknamePath),
                Text(profile, provider.PicturePath))
            : throw new OAuthFailure("profile_failed", $"no id at '{provider.IdPath}' of the profile");
    }

    private async Task<string?> SecretAsync(string name, OAuthProviderOptions provider, CancellationToken cancellationToken)
    {
        var secret = NameOf(name);
        try
        {
            if (await dapr.ReadSecretAsync(secret, cancellationToken) is { } value)
            {
                return value;
            }
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            // Not there, or the store is not: whether that matters is said below.
        }

        return provider.NeedsSecret ? throw new OAuthFailure("secret_missing", $"secret '{secret}' of component '{Components.Secrets}' cannot be read") : null;
    }

    private async Task<JsonDocument> SendAsync(string name, string step, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var failed = $"{step}_failed";
        request.Headers.Accept.ParseAdd("application/json");
        try
        {
            using var response = await clients.CreateClient(NameOf(name)).SendAsync(request, cancellationToken);
            var isJson = response.Content.Headers.ContentType?.MediaType is { } type
                && (type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
            if (response.StatusCode != HttpStatusCode.OK || !isJson)
            {
                using var error = isJson ? await ParseAsync(response, cancellationToken) : null;
                throw new OAuthFailure(failed, $"{step} answered {(int)response.StatusCode}{(isJson ? ErrorOf(error!.RootElement) : ", no JSON")}");
            }

            return await ParseAsync(response, cancellationToken);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new OAuthFailure($"{step}_timeout", exception.InnerException is TimeoutException ? "the time limit passed" : "the request was given up");
        }
        catch (HttpRequestException exception)
        {
            // The message of "too large" and of broken connections: no content.
            throw new OAuthFailure(failed, exception.HttpRequestError.ToString());
        }
        catch (JsonException)
        {
            throw new OAuthFailure(failed, $"{step} answered what is not JSON");
        }
    }

    private static async Task<JsonDocument> ParseAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));

    /// <summary>The provider's error code (RFC 6749 §5.2), if it looks like one: anything else may hold what is not for a log.</summary>
    private static string ErrorOf(JsonElement answer) =>
        Text(answer, "error") is { Length: > 0 and <= 40 } error && error.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? $", {error}" : "";

    /// <summary>A text, or a number as text, at a path of names separated by dots.</summary>
    private static string? Text(JsonElement element, string path)
    {
        foreach (var name in path.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
            {
                return null;
            }
        }

        return element.ValueKind switch
        {
            JsonValueKind.String => element.GetString(),
            JsonValueKind.Number => element.GetRawText(),
            _ => null,
        };
    }
}
