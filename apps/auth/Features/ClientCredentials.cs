using System.Text;
using System.Text.Json.Serialization;
using Auth.ApiKeys;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Features;

/// <summary>
/// <c>POST /api/v1/auth/token</c>: OAuth 2.0 client credentials (RFC 6749 §4.4) for clients that want the token themselves. The client id is the id of
/// an API key, the secret is the key; by HTTP Basic or in the form (§2.3.1). Errors have the shape of §5.2, not ours.
/// </summary>
internal static class ClientCredentials
{
    private const int MaxForm = 8 * 1024;

    public sealed record Token(
        [property: JsonPropertyName("access_token")] string AccessToken,
        [property: JsonPropertyName("token_type")] string TokenType,
        [property: JsonPropertyName("expires_in")] long ExpiresIn,
        [property: JsonPropertyName("scope")] string Scope);

    public sealed record Error(
        [property: JsonPropertyName("error")] string Code,
        [property: JsonPropertyName("error_description")] string Description);

    public static void MapClientCredentials(this IEndpointRouteBuilder auth) => auth.MapPost("/token", HandleAsync).WithName(nameof(ClientCredentials))
        .WithSummary("A token for a machine client (RFC 6749 §4.4)").Produces<Error>(400).Produces<Error>(401);

    private static async Task<Results<Ok<Token>, JsonHttpResult<Error>>> HandleAsync(
        HttpContext http, ApiKeyTokens tokens, CancellationToken cancellationToken)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.Pragma = "no-cache";
        if (!http.Request.HasFormContentType || http.Request.ContentLength is null or > MaxForm)
        {
            return Refuse("invalid_request", "Send application/x-www-form-urlencoded");
        }

        var form = await http.Request.ReadFormAsync(cancellationToken);
        if (form.Any(field => field.Value.Count > 1) || form["grant_type"].Count == 0)
        {
            return Refuse("invalid_request", "Give grant_type, and every parameter once");
        }

        if (form["grant_type"] != "client_credentials")
        {
            return Refuse("unsupported_grant_type", "Only client_credentials");
        }

        var basic = BasicOf(http.Request.Headers.Authorization.ToString());
        if (basic is not null && form.ContainsKey("client_secret"))
        {
            return Refuse("invalid_request", "Authenticate in one way only");
        }

        var (id, secret) = basic ?? (form["client_id"].ToString(), form["client_secret"].ToString());
        if (ApiKeyText.Parse(secret) is not { } text || text.Id != id || await tokens.VerifyAsync(secret, cancellationToken) is not { } verified)
        {
            if (basic is not null)
            {
                http.Response.Headers.WWWAuthenticate = "Basic realm=\"api\"";
            }

            return Refuse("invalid_client", "Unknown client, or a key that is expired or deleted", StatusCodes.Status401Unauthorized);
        }

        var wanted = form["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToArray();
        if (wanted.Except(verified.Key.Scopes, StringComparer.Ordinal).Any())
        {
            return Refuse("invalid_scope", $"The key has {string.Join(' ', verified.Key.Scopes)}");
        }

        var scopes = wanted.Length > 0 ? wanted : [.. verified.Key.Scopes];
        var issued = tokens.Issue(verified.Key, verified.At, scopes);
        return TypedResults.Ok(new Token(issued.AccessToken, "Bearer", (long)(issued.ExpiresAt - verified.At).TotalSeconds, string.Join(' ', scopes)));
    }

    /// <summary>Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).</summary>
    private static (string Id, string Secret)? BasicOf(string header)
    {
        const string scheme = "Basic ";
        if (!header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var bytes = new byte[header.Length];
        if (!Convert.TryFromBase64String(header[scheme.Length..].Trim(), bytes, out var length))
        {
            return ("", "");
        }

        var pair = Encoding.UTF8.GetString(bytes, 0, length).Split(':', 2);
        return pair.Length == 2 ? (Uri.UnescapeDataString(pair[0]), Uri.UnescapeDataString(pair[1])) : ("", "");
    }

    private static JsonHttpResult<Error> Refuse(string code, string description, int status = StatusCodes.Status400BadRequest) =>
        TypedResults.Json(new Error(code, description), statusCode: status);
}
