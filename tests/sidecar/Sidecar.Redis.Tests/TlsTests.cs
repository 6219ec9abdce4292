using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LocalServers;
using TestServers;

namespace Sidecar.Redis.Tests;

/// <summary>TLS with an authority of the test's own, which signs the server's and the client's certificate.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset To = DateTimeOffset.UtcNow.AddDays(30);

    private readonly ECDsa _authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private X509Certificate2 _authority = null!;
    private RedisServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var request = new CertificateRequest("CN=Test authority", _authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(From, To);
        var (certificate, key) = Sign("127.0.0.1");
        var folder = Servers.NewDirectory();
        string Save(string name, string pem)
        {
            var path = Path.Combine(folder, name);
            File.WriteAllText(path, pem);
            return path;
        }

        // The port of the server's own certificate is not used: these arguments come after its settings.
        _server = await Servers.NewRedisAsync(new RedisServerOptions
        {
            Tls = true,
            Arguments =
            [
                "--tls-cert-file", Save("server.crt", certificate), "--tls-key-file", Save("server.key", key),
                "--tls-ca-cert-file", Save("ca.crt", _authority.ExportCertificatePem()),
            ],
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _authority.Dispose();
        _authorityKey.Dispose();
    }

    private RedisOptions Options => _server.Options() with { Tls = true, CaCertificate = _authority.ExportCertificatePem() };

    [Fact]
    public async Task Values_go_through_and_the_connection_comes_back()
    {
        await using var redis = await RedisClient.ConnectAsync(Options with { CommandTimeout = TimeSpan.FromSeconds(20) }, Cancel);
        var value = new byte[8 << 20];
        Random.Shared.NextBytes(value);
        await redis.ExecuteAsync(RedisCommand.Of("SET", "key", value), Cancel);
        Assert.True((await redis.ExecuteAsync(RedisCommand.Of("GET", "key"), Cancel)).AsBytes().Span.SequenceEqual(value));
        await _server.CrashAsync(Cancel);
        // What the client sends before it has noticed goes to the dead server.
        await Wait.UntilAsync(() => redis.Generation == 2);
        Assert.True((await redis.ExecuteAsync(RedisCommand.Of("GET", "key"), Cancel)).AsBytes().Span.SequenceEqual(value));
    }

    [Fact]
    public async Task Callers_share_a_connection()
    {
        await using var redis = await RedisClient.ConnectAsync(Options, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 32).Select(caller => Task.Run(async () =>
        {
            for (var call = 0; call < 100; call++)
            {
                Assert.Equal($"{caller}/{call}", (await redis.ExecuteAsync(RedisCommand.Of("ECHO", $"{caller}/{call}"), Cancel)).AsString());
            }
        })));
    }

    [Fact]
    public async Task An_unknown_authority_is_refused_unless_verification_is_skipped()
    {
        var refused = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options with { CaCertificate = null }, Cancel));
        Assert.Contains("the TLS handshake failed", refused.Message);
        await using var redis = await RedisClient.ConnectAsync(Options with { CaCertificate = null, InsecureSkipVerify = true }, Cancel);
        Assert.Equal("PONG", (await redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel)).AsString());
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_refused()
    {
        var refused = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options with { Host = "localhost" }, Cancel));
        Assert.Contains("RemoteCertificateNameMismatch", refused.Message);
    }

    [Fact]
    public async Task A_client_certificate_is_sent()
    {
        await using (var admin = await RedisClient.ConnectAsync(Options, Cancel))
        {
            await admin.ExecuteAsync(RedisCommand.Of("CONFIG", "SET", "tls-auth-clients", "yes"), Cancel);
        }

        var missing = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options, Cancel));
        Assert.Contains("client certificate", missing.Message);
        var (certificate, key) = Sign("client");
        await using var redis = await RedisClient.ConnectAsync(Options with { ClientCertificate = certificate, ClientKey = key }, Cancel);
        Assert.Equal("PONG", (await redis.ExecuteAsync(RedisCommand.Of("PING"), Cancel)).AsString());
    }

    [Fact]
    public async Task Certificates_that_are_none_are_named()
    {
        var client = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options with { ClientCertificate = "none" }, Cancel));
        Assert.Contains("clientCert and clientKey cannot be read as PEM", client.Message);
        var authority = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options with { CaCertificate = "none" }, Cancel));
        Assert.Contains("the certificate authorities cannot be read as PEM", authority.Message);
    }

    [Fact]
    public async Task TLS_and_plain_text_do_not_meet()
    {
        var plain = await Assert.ThrowsAsync<RedisConnectionException>(() => RedisClient.ConnectAsync(Options with { Tls = false }, Cancel));
        Assert.Contains("enableTLS", plain.Message);
        await using var server = await Servers.NewRedisAsync();
        var tls = await Assert.ThrowsAsync<RedisConnectionException>(() =>
            RedisClient.ConnectAsync(server.Options() with { Tls = true, ConnectTimeout = TimeSpan.FromSeconds(10) }, Cancel));
        Assert.Matches("enableTLS|speak TLS", tls.Message);
    }

    private (string Certificate, string Key) Sign(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out var address))
        {
            names.AddIpAddress(address);
        }
        else
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(_authority, From, To, Guid.NewGuid().ToByteArray());
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
