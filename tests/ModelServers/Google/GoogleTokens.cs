using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ModelServers.Google;

/// <summary>
/// Google's token endpoints: OAuth (RFC 7523 assertions of a service account, refresh tokens), the security token service (RFC 8693) with a source of subject
/// tokens, the impersonation of service accounts, and the metadata server. Each checks what the real one checks.
/// </summary>
public sealed class GoogleTokens(TimeProvider time)
{
    /// <summary>Project of all credentials.</summary>
    public const string Project = "tandem-test";

    private const string Email = "models@tandem-test.iam.gserviceaccount.com";
    private const string KeyId = "key-1";
    private const string Audience = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/cluster";
    private const string SubjectToken = "subject-token-of-the-workload";
    private const string ClientId = "client-1";
    private const string ClientSecret = "client-secret-1";
    private const string RefreshToken = "refresh-token-1";
    private const string Scope = "https://www.googleapis.com/auth/cloud-platform";
    /// <summary>The audience of every assertion for Google, which its own client names whatever the endpoint's address is.</summary>
    private const string GoogleAudience = "https://oauth2.googleapis.com/token";

    private const string JsonType = "application/json";

    private static readonly Lazy<RSA> Key = new(() => RSA.Create(2048));

    private readonly ConcurrentDictionary<string, DateTimeOffset> _issued = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(int Status, string Body)> _failures = [];
    private readonly LinkedList<string> _grants = new();
    private int _count;

    /// <summary>How long a token lives. Default 1 h.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Waited for before a token is given out.</summary>
    public Task Before { get; set; } = Task.CompletedTask;

    /// <summary>The last token that was given out.</summary>
    public string? Last { get; private set; }

    /// <summary>
    /// The grants that were asked for, in order: <c>assertion</c>, <c>refresh</c>, <c>exchange</c>, <c>impersonation</c>, <c>metadata</c>; without those
    /// whose client left before the answer.
    /// </summary>
    public IReadOnlyCollection<string> Grants
    {
        get
        {
            lock (_grants)
            {
                return [.. _grants];
            }
        }
    }

    /// <summary>Secrets that nobody may print.</summary>
    public static IReadOnlyList<string> Secrets =>
        [SubjectToken, ClientSecret, RefreshToken, .. Key.Value.ExportPkcs8PrivateKeyPem().Split('\n').Where(line => line.Length > 40)];

    /// <summary>Fails the next request for a token.</summary>
    public void Fail(int status, string body = """{"error":"invalid_grant","error_description":"Invalid grant: account not found"}""") =>
        _failures.Enqueue((status, body));

    /// <summary>Whether a token was given out and has not ended.</summary>
    public bool Accepts(string token) => _issued.TryGetValue(token, out var end) && time.GetUtcNow() < end;

    /// <summary>Ends all tokens.</summary>
    public void Revoke() => _issued.Clear();

    /// <summary>Credentials of a service account.</summary>
    public static string ServiceAccount(Uri address) => new JsonObject
    {
        ["type"] = "service_account",
        ["project_id"] = Project,
        ["private_key_id"] = KeyId,
        ["private_key"] = Key.Value.ExportPkcs8PrivateKeyPem(),
        ["client_email"] = Email,
        ["client_id"] = "1",
        ["token_uri"] = new Uri(address, "/token").AbsoluteUri,
    }.ToJsonString();

    /// <summary>Credentials of a person, as gcloud writes them.</summary>
    public static string AuthorizedUser(Uri address) => new JsonObject
    {
        ["type"] = "authorized_user",
        ["client_id"] = ClientId,
        ["client_secret"] = ClientSecret,
        ["refresh_token"] = RefreshToken,
        ["quota_project_id"] = Project,
        ["token_uri"] = new Uri(address, "/token").AbsoluteUri,
    }.ToJsonString();

    /// <summary>Workload identity federation with a subject token from an address, or from the given file.</summary>
    public static string ExternalAccount(Uri address, string? file = null, bool impersonated = false)
    {
        var json = new JsonObject
        {
            ["type"] = "external_account",
            ["audience"] = Audience,
            ["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt",
            ["token_url"] = new Uri(address, "/v1/token").AbsoluteUri,
            ["credential_source"] = file is not null ? new JsonObject { ["file"] = file } : new JsonObject
            {
                ["url"] = new Uri(address, "/subject-token").AbsoluteUri,
                ["headers"] = new JsonObject { ["Metadata"] = "true" },
                ["format"] = new JsonObject { ["type"] = "json", ["subject_token_field_name"] = "access_token" },
            },
        };
        if (impersonated)
        {
            json["service_account_impersonation_url"] = new Uri(address, $"/v1/projects/-/serviceAccounts/{Email}:generateAccessToken").AbsoluteUri;
        }

        return json.ToJsonString();
    }

    /// <summary>A subject token for a file.</summary>
    public static string Subject => SubjectToken;

    /// <summary>Adds the endpoints.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/token", async http =>
        {
            var form = await http.Request.ReadFormAsync();
            await GiveAsync(http, form["grant_type"] == "refresh_token" ? "refresh" : "assertion", () => form["grant_type"].ToString() switch
            {
                "urn:ietf:params:oauth:grant-type:jwt-bearer" =>
                    CheckAssertion(form["assertion"].ToString(), $"{http.Request.Scheme}://{http.Request.Host}/token"),
                "refresh_token" when form["client_id"] != ClientId || form["client_secret"] != ClientSecret => "invalid_client",
                "refresh_token" when form["refresh_token"] != RefreshToken => "invalid_grant",
                "refresh_token" => null,
                _ => "unsupported_grant_type",
            });
        });
        routes.MapGet("/subject-token", http => http.Request.Headers["Metadata"] == "true"
            ? http.Response.WriteAsJsonAsync(new JsonObject { ["access_token"] = SubjectToken })
            : RefuseAsync(http, 400, "invalid_request"));
        routes.MapPost("/v1/token", async http =>
        {
            var form = await http.Request.ReadFormAsync();
            await GiveAsync(http, "exchange", () =>
                form["grant_type"] != "urn:ietf:params:oauth:grant-type:token-exchange" ? "unsupported_grant_type"
                : form["audience"] != Audience || form["requested_token_type"] != "urn:ietf:params:oauth:token-type:access_token" ? "invalid_request"
                : form["subject_token_type"] != "urn:ietf:params:oauth:token-type:jwt" || form["subject_token"] != SubjectToken ? "invalid_grant"
                : form["scope"] != Scope && form["scope"] != "https://www.googleapis.com/auth/iam" ? "invalid_scope"
                : null);
        });
        routes.MapPost("/v1/projects/-/serviceAccounts/{account}:generateAccessToken", ImpersonateAsync);
        routes.MapGet("/computeMetadata/v1/instance/service-accounts/default/token", http =>
            GiveAsync(http, "metadata", () => http.Request.Headers["Metadata-Flavor"] == "Google" ? null : "invalid_request"));
        routes.MapGet("/computeMetadata/v1/project/project-id", async http =>
        {
            http.Response.Headers["Metadata-Flavor"] = "Google";
            http.Response.StatusCode = http.Request.Headers["Metadata-Flavor"] == "Google" ? 200 : 403;
            await http.Response.WriteAsync(Project);
        });
    }

    private async Task GiveAsync(HttpContext http, string grant, Func<string?> check)
    {
        Count(http, grant);
        await Before.WaitAsync(http.RequestAborted);
        http.RequestAborted.ThrowIfCancellationRequested();
        if (_failures.TryDequeue(out var failure))
        {
            http.Response.StatusCode = failure.Status;
            http.Response.ContentType = JsonType;
            await http.Response.WriteAsync(failure.Body);
        }
        else if (check() is { } error)
        {
            await RefuseAsync(http, error == "invalid_client" ? 401 : 400, error);
        }
        else
        {
            await http.Response.WriteAsJsonAsync(new JsonObject
            {
                ["access_token"] = Issue(grant),
                ["expires_in"] = (long)Lifetime.TotalSeconds,
                ["token_type"] = "Bearer",
                ["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token",
            });
        }
    }

    /// <summary>https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken.</summary>
    private async Task ImpersonateAsync(HttpContext http)
    {
        Count(http, "impersonation");
        var body = await JsonNode.ParseAsync(http.Request.Body);
        var bearer = http.Request.Headers.Authorization.ToString();
        if (!bearer.StartsWith("Bearer ", StringComparison.Ordinal) || !Accepts(bearer["Bearer ".Length..])
            || (string?)http.Request.RouteValues["account"] != Email || body?["scope"]?[0]?.GetValue<string>() != Scope)
        {
            await RefuseAsync(http, 403, "PERMISSION_DENIED");
            return;
        }

        await http.Response.WriteAsJsonAsync(new JsonObject
        {
            ["accessToken"] = Issue("impersonation"),
            ["expireTime"] = (time.GetUtcNow() + Lifetime).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        });
    }

    /// <summary>Google's client leaves a request that takes 12 s and asks anew by itself, which is still one grant.</summary>
    private void Count(HttpContext http, string grant)
    {
        LinkedListNode<string> asked;
        lock (_grants)
        {
            asked = _grants.AddLast(grant);
        }

        http.RequestAborted.Register(() =>
        {
            lock (_grants)
            {
                _grants.Remove(asked);
            }
        });
    }

    private static Task RefuseAsync(HttpContext http, int status, string error)
    {
        http.Response.StatusCode = status;
        return http.Response.WriteAsJsonAsync(new JsonObject { ["error"] = error, ["error_description"] = "refused" });
    }

    private string Issue(string grant)
    {
        var token = $"ya29.{grant}-{Interlocked.Increment(ref _count)}-{Guid.NewGuid():N}";
        _issued[token] = time.GetUtcNow() + Lifetime;
        Last = token;
        return token;
    }

    /// <summary>A JWT that the service account's key signed for this endpoint, which lives for an hour at most. https://google.aip.dev/auth/4112.</summary>
    private string? CheckAssertion(string assertion, string endpoint)
    {
        if (assertion.Split('.') is not [var head, var body, var signature])
        {
            return "invalid_grant";
        }

        var header = Json(head);
        var claims = Json(body);
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var issuedAt = claims["iat"]!.GetValue<long>();
        var end = claims["exp"]!.GetValue<long>();
        var signed = Key.Value.VerifyData(
            Encoding.ASCII.GetBytes($"{head}.{body}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return !signed || header["alg"]?.GetValue<string>() != "RS256" || header["kid"]?.GetValue<string>() != KeyId ? "invalid_grant"
            : claims["iss"]?.GetValue<string>() != Email ? "invalid_grant"
            : claims["aud"]?.GetValue<string>() is not { } audience || (audience != endpoint && audience != GoogleAudience) ? "invalid_grant"
            : Math.Abs(now - issuedAt) > 300 || end <= now || end - issuedAt > 3600 ? "invalid_grant"
            : claims["scope"]?.GetValue<string>() != Scope ? "invalid_scope"
            : null;
    }

    private static JsonNode Json(string part) => JsonNode.Parse(Base64Url.DecodeFromChars(part))!;
}
