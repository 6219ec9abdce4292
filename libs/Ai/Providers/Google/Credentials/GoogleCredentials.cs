using System.Security.Cryptography;
using System.Text.Json;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Flows;
using Google.Apis.Auth.OAuth2.Responses;

namespace Ai.Providers.Google.Credentials;

/// <summary>
/// Who we are to Google: something of Google.Apis.Auth that answers access tokens. It keeps a token, asks for the next one 225 s before its end in the
/// background and, when it is 60 s before its end, lets the callers wait for it; one request runs at a time.
/// </summary>
/// <param name="Tokens">Answers tokens.</param>
/// <param name="Project">Project that the credentials belong to, where they say it.</param>
internal sealed record GoogleCredentials(ITokenAccessWithHeaders Tokens, string? Project)
{
    private const string Scope = "https://www.googleapis.com/auth/cloud-platform";

    /// <summary>The metadata server's own address; <c>GCE_METADATA_HOST</c> takes its place.</summary>
    public static readonly Uri MetadataServer = new("http://169.254.169.254");

    /// <summary>
    /// The credentials of a JSON: <c>service_account</c>, <c>authorized_user</c>, <c>external_account</c> (workload identity federation),
    /// <c>external_account_authorized_user</c>, <c>impersonated_service_account</c>. https://google.aip.dev/auth/4110.
    /// </summary>
    /// <exception cref="ModelException">It is none of them, or not whole.</exception>
    public static GoogleCredentials Parse(string json, string source, TokenConnections connections, TimeProvider time)
    {
        string? type = null;
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            type = Text(root, "type");
            return new GoogleCredentials(
                type switch
                {
                    JsonCredentialParameters.ServiceAccountCredentialType => ServiceAccount(root, connections, time),
                    JsonCredentialParameters.AuthorizedUserCredentialType => User(root, connections, time),
                    // These name their token endpoint themselves and the package reads it.
                    _ => CredentialFactory.FromJson(json, type).CreateScoped(Scope).CreateWithHttpClientFactory(connections),
                },
                Text(root, "project_id") ?? Text(root, "quota_project_id"));
        }
        catch (Exception exception) when (
            exception is JsonException or InvalidOperationException or ArgumentException or FormatException or CryptographicException)
        {
            // Without the inner exception, which may quote the JSON.
            throw new ModelException(
                ModelFailure.Unauthorized, $"{source} holds no usable Google credentials (type '{Known(type)}', {exception.GetType().Name}): check the JSON");
        }
    }

    /// <summary>The service account of the machine, or of the Kubernetes pod, that we run on.</summary>
    public static GoogleCredentials OfMetadata(Uri server, TokenConnections connections, TimeProvider time) => new(
        new ComputeCredential(new ComputeCredential.Initializer(new Uri(server, "/computeMetadata/v1/instance/service-accounts/default/token").AbsoluteUri)
        {
            Clock = new GoogleClock(time),
            HttpClientFactory = connections,
            Scopes = [Scope],
        }),
        Project: null);

    /// <summary>Its own, because the package ignores <c>token_uri</c>, which is where a private or a test token server is named.</summary>
    private static ServiceAccountCredential ServiceAccount(JsonElement root, TokenConnections connections, TimeProvider time) => new(
        new ServiceAccountCredential.Initializer(
            Text(root, "client_email") ?? throw new FormatException(), Text(root, "token_uri") ?? GoogleAuthConsts.OidcTokenUrl)
        {
            KeyId = Text(root, "private_key_id"),
            ProjectId = Text(root, "project_id"),
            QuotaProject = Text(root, "quota_project_id"),
            Clock = new GoogleClock(time),
            HttpClientFactory = connections,
            Scopes = [Scope],
        }.FromPrivateKey(Text(root, "private_key") ?? throw new FormatException()));

    /// <summary>Likewise.</summary>
    private static UserCredential User(JsonElement root, TokenConnections connections, TimeProvider time)
    {
        var flow = new AuthorizationCodeFlow(
            new AuthorizationCodeFlow.Initializer(GoogleAuthConsts.OidcAuthorizationUrl, Text(root, "token_uri") ?? GoogleAuthConsts.OidcTokenUrl)
            {
                ClientSecrets = new ClientSecrets
                {
                    ClientId = Text(root, "client_id") ?? throw new FormatException(),
                    ClientSecret = Text(root, "client_secret") ?? throw new FormatException(),
                },
                Clock = new GoogleClock(time),
                HttpClientFactory = connections,
            });
        var token = new TokenResponse { RefreshToken = Text(root, "refresh_token") ?? throw new FormatException() };
        return new UserCredential(flow, "application default credentials", token, Text(root, "quota_project_id"));
    }

    private static string? Text(JsonElement root, string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    /// <summary>The type where it is one of Google's, so that no other text of the JSON gets into an error.</summary>
    private static string Known(string? type) => type switch
    {
        null => "none",
        JsonCredentialParameters.ServiceAccountCredentialType or JsonCredentialParameters.AuthorizedUserCredentialType
            or JsonCredentialParameters.ExternalAccountCredentialType or JsonCredentialParameters.ExternalAccountAuthorizedUserCredentialType
            or JsonCredentialParameters.ImpersonatedServiceAccountCredentialType => type,
        _ => "unknown",
    };
}
