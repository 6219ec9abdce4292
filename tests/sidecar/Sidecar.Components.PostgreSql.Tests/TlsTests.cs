using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LocalServers;
using Sidecar.Abstractions;
using TestServers;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>A server with TLS whose certificate is for 127.0.0.1 alone.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private readonly string _folder = Servers.NewDirectory();
    private PostgresServer _server = null!;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync()
    {
        using var authority = NewAuthority("ca.pem");
        using var other = NewAuthority("other-ca.pem");
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=database", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(authority, now.AddMinutes(-5), now.AddHours(1), [1]);
        await File.WriteAllTextAsync(InFolder("server.crt"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(InFolder("server.key"), key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(InFolder("server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        if (Environment.IsPrivilegedProcess)
        {
            // Who runs the server then.
            using var chown = Process.Start("chown", ["postgres:", InFolder("server.key")]);
            await chown.WaitForExitAsync();
        }

        _server = await Servers.NewPostgresAsync(new PostgresServerOptions
        {
            Durable = false,
            Settings = ["ssl=on", $"ssl_cert_file={InFolder("server.crt")}", $"ssl_key_file={InFolder("server.key")}"],
        });
        _database = await TestDatabase.CreateAsync(_server);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task The_server_is_checked_against_the_root_certificate()
    {
        var binding = await _database.BindingAsync(("connectionString", "sslmode=verify-full"), ("sslRootCert", InFolder("ca.pem")));

        var answer = await binding.InvokeAsync(
            new BindingRequest("query", default, new ComponentMetadata([new("sql", "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")])), default);
        Assert.Equal("[[true]]", Encoding.UTF8.GetString(answer.Data!.Value.Span));
    }

    [Theory]
    [InlineData("verify-full", "other-ca.pem", "127.0.0.1")]
    // A root certificate is there to be checked against.
    [InlineData("require", "other-ca.pem", "127.0.0.1")]
    [InlineData("verify-full", "ca.pem", "localhost")]
    public async Task A_server_that_somebody_else_has_certified_is_refused(string mode, string root, string host)
    {
        var refused = await Assert.ThrowsAsync<IOException>(
            () => _database.StateAsync(("connectionString", $"sslmode={mode}"), ("sslRootCert", InFolder(root)), ("host", host)));

        Assert.Contains("TLS failed", refused.Message);
        Assert.Contains("Look at sslmode and 'sslRootCert'", refused.Message);
    }

    private X509Certificate2 NewAuthority(string file)
    {
        var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        var certificate = request.CreateSelfSigned(now.AddHours(-1), now.AddHours(2));
        File.WriteAllText(InFolder(file), certificate.ExportCertificatePem());
        return certificate;
    }

    private string InFolder(string file) => Path.Combine(_folder, file);
}
