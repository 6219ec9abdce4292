using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sidecar.Redis.Connections;

/// <summary>The options of TLS from those of the client.</summary>
internal static class TlsSettings
{
    public static SslClientAuthenticationOptions Of(RedisOptions options)
    {
        var tls = new SslClientAuthenticationOptions { TargetHost = options.Host, CertificateRevocationCheckMode = X509RevocationMode.NoCheck };
        if (options.ClientCertificate is { } certificate)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(
                Read(options, "clientCert and clientKey", () => X509Certificate2.CreateFromPem(certificate, options.ClientKey ?? certificate)), null, offline: true);
        }

        if (options.InsecureSkipVerify)
        {
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        }
        else if (options.CaCertificate is { } authorities)
        {
            var roots = new X509Certificate2Collection();
            Read(options, "the certificate authorities", () =>
            {
                roots.ImportFromPem(authorities);
                return roots.Count > 0 ? roots : throw new CryptographicException("no certificate in it");
            });
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(roots);
            tls.CertificateChainPolicy = policy;
        }

        return tls;
    }

    private static T Read<T>(RedisOptions options, string name, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (CryptographicException exception)
        {
            throw new RedisConnectionException($"{options}: {name} cannot be read as PEM ({exception.Message})", exception);
        }
    }
}
