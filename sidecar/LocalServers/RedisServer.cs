using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LocalServers.Processes;

namespace LocalServers;

/// <summary>When Redis writes its log through to the disk.</summary>
public enum AppendFsync
{
    /// <summary>Before every answer: what was acknowledged survives a power cut.</summary>
    Always,

    /// <summary>Once a second: a power cut loses up to a second, a crash of the process nothing.</summary>
    EverySecond,

    /// <summary>When the system likes.</summary>
    Never,
}

/// <summary>What differs from a durable Redis on a free port without a password.</summary>
public sealed record RedisServerOptions
{
    /// <summary>0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Null: none is asked for.</summary>
    public string? Password { get; init; }

    /// <summary>The port speaks TLS with <see cref="RedisServer.CertificateFile"/>; a client certificate is welcome and not required.</summary>
    public bool Tls { get; init; }

    /// <summary>Durability of what is acknowledged.</summary>
    public AppendFsync AppendFsync { get; init; } = AppendFsync.Always;

    /// <summary>More settings as on the command line: <c>--maxmemory</c>, <c>1mb</c>.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Name or path of another build.</summary>
    public string Executable { get; init; } = "redis-server";
}

/// <summary>A private Redis (or Valkey) with an append-only file.</summary>
public sealed class RedisServer(string directory, RedisServerOptions? options = null) : LocalServer(directory, options?.Port ?? 0)
{
    private readonly RedisServerOptions _options = options ?? new RedisServerOptions();

    /// <inheritdoc/>
    public override string Name => "redis";

    /// <inheritdoc/>
    public override string Package => "redis-server";

    /// <inheritdoc/>
    public override string? Missing => Installed.Find(_options.Executable) is null
        ? $"{_options.Executable} is not installed: {InstallCommand}"
        : null;

    /// <summary>Null when it has none.</summary>
    public string? Password => _options.Password;

    /// <summary>host:port.</summary>
    public string Address => $"{Host}:{Port}";

    /// <summary>PEM of the self-signed certificate for localhost and 127.0.0.1; the server takes it as authority for client certificates.</summary>
    public string CertificateFile => Path.Combine(DataDirectory, "tls.crt");

    /// <summary>PEM of its key.</summary>
    public string CertificateKeyFile => Path.Combine(DataDirectory, "tls.key");

    private protected override Task<ServerCommand> PrepareAsync(CancellationToken cancellationToken)
    {
        var data = Directory.CreateDirectory(Path.Combine(DataDirectory, "data"));
        if (_options.Tls && !File.Exists(CertificateFile))
        {
            WriteCertificate();
        }

        var configuration = Path.Combine(DataDirectory, "redis.conf");
        PrivateText.Write(configuration, string.Join('\n', Settings(data.FullName)) + "\n");
        return Task.FromResult(new ServerCommand([Installed.Find(_options.Executable)!, configuration, .. _options.Arguments]));
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
        await using var stream = await OpenAsync(client.GetStream(), cancellationToken);
        var hello = Password is null ? "" : $"*2\r\n$4\r\nAUTH\r\n${Encoding.UTF8.GetByteCount(Password)}\r\n{Password}\r\n";
        await stream.WriteAsync(Encoding.UTF8.GetBytes(hello + "*1\r\n$4\r\nPING\r\n"), cancellationToken);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line != "+OK")
            {
                return line == "+PONG";
            }
        }

        return false;
    }

    private async Task<Stream> OpenAsync(NetworkStream socket, CancellationToken cancellationToken)
    {
        if (!_options.Tls)
        {
            return socket;
        }

        var stream = new SslStream(socket, leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, cancellationToken);
        return stream;
    }

    private IEnumerable<string> Settings(string data)
    {
        yield return $"bind {Host}";
        yield return $"dir {Quoted(data)}";
        yield return "save \"\"";
        yield return "appendonly yes";
        yield return $"appendfsync {_options.AppendFsync switch { AppendFsync.Always => "always", AppendFsync.EverySecond => "everysec", _ => "no" }}";
        if (Password is not null)
        {
            yield return $"requirepass {Quoted(Password)}";
        }

        if (!_options.Tls)
        {
            yield return $"port {Port}";
            yield break;
        }

        yield return "port 0";
        yield return $"tls-port {Port}";
        yield return $"tls-cert-file {Quoted(CertificateFile)}";
        yield return $"tls-key-file {Quoted(CertificateKeyFile)}";
        yield return $"tls-ca-cert-file {Quoted(CertificateFile)}";
        yield return "tls-auth-clients optional";
    }

    private static string Quoted(string text) => $"\"{text.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";

    private void WriteCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        PrivateText.Write(CertificateKeyFile, key.ExportPkcs8PrivateKeyPem());
        PrivateText.Write(CertificateFile, certificate.ExportCertificatePem());
    }
}
