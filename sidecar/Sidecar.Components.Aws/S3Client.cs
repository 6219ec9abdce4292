using Amazon.Runtime;
using Amazon.S3;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>Makes the client of AWSSDK.S3 such that AWS and other servers with its protocol understand it.</summary>
internal static class S3Client
{
    private const string RegionOfOthers = "us-east-1";

    public static AmazonS3Client Create(S3Settings settings)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = settings.ForcePathStyle,
            UseHttp = settings.Endpoint?.Scheme == Uri.UriSchemeHttp || settings.DisableSsl,
            // Other servers know neither the trailing checksums nor the checks of answers that AWS has added since.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            // The limit is that of the operation. The client itself follows a redirect to a host of AWS; any other is a place that nobody has configured.
            Timeout = Timeout.InfiniteTimeSpan,
            AllowAutoRedirect = false,
            HttpClientFactory = settings.InsecureSsl ? new TrustingClients() : null,
        };
        if (settings.Endpoint is { } endpoint)
        {
            config.ServiceURL = endpoint.ToString();
            config.AuthenticationRegion = settings.Region ?? RegionOfOthers;
        }
        else
        {
            config.RegionEndpoint = settings.Region is { } region ? Amazon.RegionEndpoint.GetBySystemName(region)
                : FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: false)
                ?? throw new ComponentException("metadata 'region' is missing, and so is AWS_REGION in the environment; servers other than AWS need 'endpoint'");
        }

        return settings.Credentials switch
        {
            null => new AmazonS3Client(config),
            (var key, var secret, { } token) => new AmazonS3Client(new SessionAWSCredentials(key, secret, token), config),
            var (key, secret, _) => new AmazonS3Client(new BasicAWSCredentials(key, secret), config),
        };
    }

    /// <summary>HTTP clients for <c>insecureSSL</c>: any certificate will do.</summary>
    private sealed class TrustingClients : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };

        public override string GetConfigUniqueString(IClientConfig clientConfig) => nameof(TrustingClients);
    }
}
