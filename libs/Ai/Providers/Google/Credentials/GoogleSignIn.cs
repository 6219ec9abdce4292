using System.Net.Sockets;
using Google.Apis.Auth.OAuth2;
using Google.Apis.Auth.OAuth2.Responses;
using Microsoft.Extensions.Configuration;

namespace Ai.Providers.Google.Credentials;

/// <summary>
/// Access tokens and the project of one provider entry. Credentials are read at the first call, again when their secret changes, and again after Google or
/// the token endpoint refused what came of them, so that a rotated file is taken up without a restart; refused ones are left alone for
/// <see cref="ProviderOptions.TokenRetry"/>. No token, key or JSON is in any message.
/// </summary>
internal sealed class GoogleSignIn(string provider, ProviderOptions options, IConfiguration configuration, IProviderKeys keys, TimeProvider time)
{
    private readonly CredentialSource _source = new(provider, options, configuration, keys);
    private readonly TokenConnections _connections = new();
    private readonly SemaphoreSlim _loading = new(1);
    private Loaded? _loaded;
    private Refusal? _refusal;
    private string? _metadataProject;

    /// <summary>A token that Google takes for at least another minute, with the headers that go with it.</summary>
    public async ValueTask<AccessTokenWithHeaders> GetTokenAsync(CancellationToken cancellationToken)
    {
        var loaded = await LoadAsync(cancellationToken);
        try
        {
            var token = await loaded.Credentials.Tokens.GetAccessTokenWithHeadersForRequestAsync(cancellationToken: cancellationToken)
                .WaitAsync(options.TokenTimeout, time, cancellationToken);
            loaded.Token = token.AccessToken is { Length: > 0 } given ? given : throw new InvalidDataException();
            return token;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = Failure(exception, loaded);
            if (failure.Failure == ModelFailure.Unauthorized)
            {
                _refusal = new Refusal(failure, loaded.Secret, time.GetUtcNow() + options.TokenRetry);
                Drop(loaded);
            }

            throw failure;
        }
    }

    /// <summary>The project that calls belong to.</summary>
    public async ValueTask<string> GetProjectAsync(CancellationToken cancellationToken) =>
        _source.Project
        ?? (await LoadAsync(cancellationToken)).Credentials.Project
        ?? _metadataProject
        ?? (_metadataProject = await AskProjectAsync(cancellationToken));

    /// <summary>Has a token that Google refused asked for anew, from credentials that are read anew.</summary>
    public void Forget(string? token)
    {
        if (_loaded is { } loaded && loaded.Token == token)
        {
            Drop(loaded);
        }
    }

    private void Drop(Loaded loaded)
    {
        Interlocked.CompareExchange(ref _loaded, null, loaded);
        keys.Reread(provider);
    }

    private async ValueTask<Loaded> LoadAsync(CancellationToken cancellationToken)
    {
        var secret = await _source.SecretAsync(cancellationToken);
        if (_refusal is { } refusal && refusal.Secret == secret && refusal.Until - time.GetUtcNow() is { Ticks: > 0 } wait)
        {
            throw Failed(refusal.Failure.Failure, refusal.Failure.Message, refusal.Failure.Status, wait);
        }

        if (_loaded is { } current && current.Secret == secret)
        {
            return current;
        }

        await _loading.WaitAsync(cancellationToken);
        try
        {
            if (_loaded is { } other && other.Secret == secret)
            {
                return other;
            }

            return _loaded = await ReadAsync(secret, cancellationToken);
        }
        finally
        {
            _loading.Release();
        }
    }

    private async Task<Loaded> ReadAsync(string? secret, CancellationToken cancellationToken)
    {
        if (secret is not null)
        {
            return new Loaded(Parse(secret, _source.SecretName), _source.SecretName, secret);
        }

        return await _source.FileAsync(cancellationToken) is var (json, name)
            ? new Loaded(Parse(json, name), name)
            : new Loaded(GoogleCredentials.OfMetadata(_source.MetadataServer, _connections, time), "metadata server");
    }

    private GoogleCredentials Parse(string json, string source) => GoogleCredentials.Parse(json, $"provider {provider}: the {source}", _connections, time);

    /// <summary>GET /computeMetadata/v1/project/project-id. https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys.</summary>
    private async Task<string> AskProjectAsync(CancellationToken cancellationToken)
    {
        const string Flavor = "Metadata-Flavor";
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_source.MetadataServer, "/computeMetadata/v1/project/project-id"));
        request.Headers.Add(Flavor, "Google");
        try
        {
            using var http = _connections.CreateHttpClient(new());
            using var response = await http.SendAsync(request, cancellationToken).WaitAsync(options.TokenTimeout, time, cancellationToken);
            // Without the header it is somebody else's server, and with it a name of a few letters.
            if (response.IsSuccessStatusCode && response.Headers.TryGetValues(Flavor, out var values) && values.Contains("Google"))
            {
                return (await response.Content.ReadAsStringAsync(cancellationToken)).Trim();
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TimeoutException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            // Said below: neither the credentials nor the metadata server name one.
        }

        throw new ModelException(
            ModelFailure.NoKey,
            $"provider {provider} has no project: its credentials name none and the metadata server at {_source.MetadataServer.Authority} does not tell;"
            + $" set Ai:Providers:{provider}:Project");
    }

    /// <summary>What a failed token means. The package's exceptions are not passed on, since they quote what the endpoint said.</summary>
    private ModelException Failure(Exception exception, Loaded loaded)
    {
        var cause = exception.GetBaseException();
        var (status, code) = exception is TokenResponseException refused ? (refused.StatusCode, refused.Error?.Error)
            : cause is TokenResponseException inner ? (inner.StatusCode, inner.Error?.Error)
            : ((cause as HttpRequestException)?.StatusCode, null);
        return (status, cause) switch
        {
            ({ } answered, _) when (int)answered is >= 400 and < 500 and not (408 or 429) => Failed(
                ModelFailure.Unauthorized, $"refused them with {(int)answered}{Said(code)}: check them", (int)answered),
            ({ } answered, _) => Failed(ModelFailure.Unreachable, $"answered {(int)answered}{Said(code)} instead of a token", (int)answered),
            (_, FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException) => Failed(
                ModelFailure.Unauthorized, "was not asked, because the subject token that they name cannot be read"),
            (_, TimeoutException) => Failed(ModelFailure.Unreachable, $"gave no token within {options.TokenTimeout}{Looked(loaded)}"),
            (_, HttpRequestException or IOException or SocketException or OperationCanceledException) => Failed(
                ModelFailure.Unreachable, $"cannot be reached{Looked(loaded)}"),
            _ => Failed(ModelFailure.Unreachable, $"gave no token ({cause.GetType().Name})"),
        };

        ModelException Failed(ModelFailure failure, string what, int? status = null) => GoogleSignIn.Failed(
            failure, $"provider {provider}, credentials of the {loaded.Source}: the token endpoint {what}", status,
            failure == ModelFailure.Unauthorized && options.TokenRetry > TimeSpan.Zero ? options.TokenRetry : null);
    }

    private static ModelException Failed(ModelFailure failure, string message, int? status, TimeSpan? retryAfter) =>
        new(failure, message) { Status = status, RetryAfter = retryAfter };

    /// <summary>The error code of RFC 6749 §5.2, which is letters and underscores.</summary>
    private static string Said(string? code) =>
        code is { Length: > 0 and <= 40 } && code.All(letter => char.IsAsciiLetterLower(letter) || letter == '_') ? $" ({code})" : "";

    private string Looked(Loaded loaded) => loaded.Credentials.Tokens is ComputeCredential ? $"; {_source.Looked}" : "";

    /// <summary>What the token endpoint said of credentials, so that it is not asked with each call again.</summary>
    private sealed record Refusal(ModelException Failure, string? Secret, DateTimeOffset Until);

    /// <summary>Credentials that were read.</summary>
    private sealed class Loaded(GoogleCredentials credentials, string source, string? secret = null)
    {
        public GoogleCredentials Credentials { get; } = credentials;

        public string Source { get; } = source;

        public string? Secret { get; } = secret;

        /// <summary>The last token that was given out.</summary>
        public string? Token { get; set; }
    }
}
