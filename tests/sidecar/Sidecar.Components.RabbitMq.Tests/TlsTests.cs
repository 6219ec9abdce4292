using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary>amqps: the broker is who its certificate says, and knows the client by one.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task The_certificate_of_the_broker_is_checked_and_one_of_the_client_is_sent()
    {
        var folder = Servers.NewDirectory();
        using var authority = Authority("authority");
        using var stranger = Authority("stranger");
        var (certificate, key) = Signed(authority, "broker");
        var (clientCertificate, clientKey) = Signed(authority, "client");
        var files = await Task.WhenAll(WriteAsync("ca.pem", authority.ExportCertificatePem()), WriteAsync("cert.pem", certificate), WriteAsync("key.pem", key));
        var port = FreePort.Next();
        await using var server = await Servers.NewRabbitMqAsync(new RabbitMqServerOptions
        {
            Settings =
            [
                $"listeners.ssl.1 = 127.0.0.1:{port}", $"ssl_options.cacertfile = {files[0]}", $"ssl_options.certfile = {files[1]}", $"ssl_options.keyfile = {files[2]}",
                "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
            ],
        });
        var address = $"amqps://{server.User}:{server.Password}@127.0.0.1:{port}";
        var client = new Dictionary<string, string> { ["clientCert"] = clientCertificate, ["clientKey"] = clientKey };

        await using var broker = Create(address, authority, client);
        await broker.InitAsync(default);
        await ((IPubSub)broker).PublishAsync(Vhost.Topic, Vhost.Message("x"), default);

        await using var mistrusted = Create(address, stranger, client);
        var error = await Assert.ThrowsAsync<ComponentException>(() => mistrusted.InitAsync(default));
        Assert.Contains($"no TLS with amqps://127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Password, error.ToString(), StringComparison.Ordinal);

        await using var nameless = Create(address, authority, []);
        await Assert.ThrowsAnyAsync<Exception>(() => nameless.InitAsync(default));

        await using var cleartext = Create($"amqp://{server.User}:{server.Password}@127.0.0.1:{port}", authority, client);
        Assert.Contains("A port for TLS needs amqps://", (await Assert.ThrowsAnyAsync<Exception>(() => cleartext.InitAsync(default))).Message, StringComparison.Ordinal);

        async Task<string> WriteAsync(string name, string text)
        {
            var path = Path.Combine(folder, name);
            await File.WriteAllTextAsync(path, text);
            return path;
        }
    }

    private static IComponent Create(string address, X509Certificate2 authority, Dictionary<string, string> client) =>
        Vhost.Create("pubsub.rabbitmq", [new("connectionString", address), new("connectTimeout", "60s"), new("caCert", authority.ExportCertificatePem()), .. client]);

    private static X509Certificate2 Authority(string name)
    {
        var request = new CertificateRequest($"CN={name}", ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
    }

    private static (string Certificate, string Key) Signed(X509Certificate2 authority, string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, authority.NotBefore, authority.NotAfter, RandomNumberGenerator.GetBytes(8));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
