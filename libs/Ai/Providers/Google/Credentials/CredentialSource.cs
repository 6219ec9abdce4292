using Microsoft.Extensions.Configuration;

namespace Ai.Providers.Google.Credentials;

/// <summary>
/// Where the credentials of an entry are: its secret, its file, else the application default credentials, which are the file of
/// <c>GOOGLE_APPLICATION_CREDENTIALS</c>, the file that gcloud wrote, and the metadata server. https://google.aip.dev/auth/4110. The package's own search is
/// not used because it looks once per process and keeps a failure for ever.
/// </summary>
internal sealed class CredentialSource(string provider, ProviderOptions options, IConfiguration configuration, IProviderKeys keys)
{
    private const string FileVariable = "GOOGLE_APPLICATION_CREDENTIALS";

    /// <summary>Address of the metadata server.</summary>
    public Uri MetadataServer { get; } =
        configuration["GCE_METADATA_HOST"] is { Length: > 0 } host ? new Uri($"http://{host}") : GoogleCredentials.MetadataServer;

    /// <summary>The JSON of the secret; null where none is named. Cheap: asked for with each call, so that a rotated secret is noticed.</summary>
    public ValueTask<string?> SecretAsync(CancellationToken cancellationToken) =>
        options.CredentialsSecret is { Length: > 0 } ? keys.CredentialsOfAsync(provider, cancellationToken) : ValueTask.FromResult<string?>(null);

    /// <summary>What the JSON of the secret is called in errors.</summary>
    public string SecretName => $"secret '{options.CredentialsSecret}'";

    /// <summary>The JSON of the file, and what it is called in errors; null when only the metadata server is left.</summary>
    public async Task<(string Json, string Name)?> FileAsync(CancellationToken cancellationToken)
    {
        var (path, name) = options.CredentialsFile is { Length: > 0 } file ? (file, $"Ai:Providers:{provider}:CredentialsFile")
            : configuration[FileVariable] is { Length: > 0 } given ? (given, FileVariable)
            : (WellKnownFile(), null);
        if (name is null && !File.Exists(path))
        {
            return null;
        }

        try
        {
            return (await File.ReadAllTextAsync(path, cancellationToken), $"file '{path}'");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(ModelFailure.NoKey, $"provider {provider}: the credentials file '{path}' of {name ?? "gcloud"} cannot be read", exception);
        }
    }

    /// <summary>The project of the environment.</summary>
    public string? Project => options.Project is { Length: > 0 } project ? project
        : configuration["GOOGLE_CLOUD_PROJECT"] is { Length: > 0 } given ? given : null;

    /// <summary>What was looked at before the metadata server, for an error.</summary>
    public string Looked => $"no CredentialsFile or CredentialsSecret is configured, {FileVariable} is not set, '{WellKnownFile()}' does not exist";

    private string WellKnownFile()
    {
        var folder = configuration["CLOUDSDK_CONFIG"] is { Length: > 0 } given ? given
            : OperatingSystem.IsWindows() ? Path.Combine(configuration["APPDATA"] ?? "", "gcloud")
            : Path.Combine(configuration["HOME"] ?? "", ".config", "gcloud");
        return Path.Combine(folder, "application_default_credentials.json");
    }
}
