using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>
/// The client of the bucket. Its credentials come from the secret store and are read again after <see cref="S3Options.SecretsKept"/>, and at once when the
/// server refuses them, so that a rotation needs no restart.
/// </summary>
internal sealed partial class S3Connection(DaprClient dapr, IOptions<ImagesOptions> options, TimeProvider time, ILogger<S3Connection> logger) : IDisposable
{
    private const string RegionOfOthers = "us-east-1";

    private static readonly string[] Refusals = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired"];

    private readonly S3Options _options = options.Value.S3;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (AmazonS3Client Client, Credentials Credentials, DateTimeOffset Until)? _kept;

    /// <summary>Calls the server within the time limit; again with fresh credentials when it refuses those that are kept.</summary>
    /// <exception cref="StorageException">It does not do it.</exception>
    public async Task<T> CallAsync<T>(Func<AmazonS3Client, CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.Timeout);
        try
        {
            try
            {
                return await call(await ClientAsync(fresh: false, limit.Token), limit.Token);
            }
            catch (AmazonS3Exception exception) when (Refusals.Contains(exception.ErrorCode) || exception.StatusCode == HttpStatusCode.Forbidden)
            {
                // A HEAD has no body that could say more than 403.
                LogRefused(logger, exception.ErrorCode);
                return await call(await ClientAsync(fresh: true, limit.Token), limit.Token);
            }
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            throw;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The client has many ways to say it: a redirect to a host that is not one of AWS is an ArgumentException.
            LogFailed(logger, exception);
            throw new StorageException(exception);
        }
    }

    public void Dispose()
    {
        _kept?.Client.Dispose();
        _gate.Dispose();
    }

    private async Task<AmazonS3Client> ClientAsync(bool fresh, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (_kept is { } kept && kept.Until > now && !fresh)
            {
                return kept.Client;
            }

            var credentials = await ReadAsync(cancellationToken);
            // The client before is left to its calls; it holds nothing that the collector could not take.
            var client = _kept is { } before && before.Credentials == credentials ? before.Client : Create(credentials);
            _kept = (client, credentials, now + _options.SecretsKept);
            return client;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<Credentials> ReadAsync(CancellationToken cancellationToken)
    {
        var entries = await dapr.ReadSecretEntriesAsync(_options.Secret, cancellationToken);
        return entries.TryGetValue("access_key", out var key) && entries.TryGetValue("secret_key", out var secret)
            ? new Credentials(key, secret, entries.GetValueOrDefault("session_token") is { Length: > 0 } token ? token : null)
            : throw new InvalidOperationException($"secret '{_options.Secret}' of component '{Components.Secrets}' needs the entries access_key and secret_key");
    }

    private AmazonS3Client Create(Credentials credentials)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = _options.ForcePathStyle,
            // Other servers know neither the trailing checksums nor the checks of answers that AWS has added since.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            Timeout = Timeout.InfiniteTimeSpan,
            AllowAutoRedirect = false,
        };
        if (_options.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.UseHttp = endpoint.Scheme == Uri.UriSchemeHttp;
            config.AuthenticationRegion = _options.Region ?? RegionOfOthers;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(_options.Region);
        }

        return new AmazonS3Client(
            credentials.SessionToken is { } token ? new SessionAWSCredentials(credentials.AccessKey, credentials.SecretKey, token)
                : new BasicAWSCredentials(credentials.AccessKey, credentials.SecretKey),
            config);
    }

    [LoggerMessage(1703, LogLevel.Warning, "The store of pictures refused our credentials ({Code}); they are read again")]
    private static partial void LogRefused(ILogger logger, string? code);

    [LoggerMessage(1704, LogLevel.Warning, "The store of pictures did not do what it was asked")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed record Credentials(string AccessKey, string SecretKey, string? SessionToken)
    {
        /// <summary>Nothing that could be printed.</summary>
        public override string ToString() => nameof(Credentials);
    }
}
