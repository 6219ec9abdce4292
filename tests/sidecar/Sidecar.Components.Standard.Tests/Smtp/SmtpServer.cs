using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Sidecar.Components.Standard.Tests.Smtp;

/// <summary>A mail as the server got it.</summary>
internal sealed record ReceivedMail(string Sender, IReadOnlyList<string> Recipients, string Text, bool Encrypted, string? User)
{
    /// <summary>Header lines, with what is folded put together.</summary>
    public IReadOnlyList<string> Headers => Text[..Text.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Replace("\r\n ", " ", StringComparison.Ordinal).Split("\r\n");

    public string Body => Encoding.UTF8.GetString(Convert.FromBase64String(Text[Text.IndexOf("\r\n\r\n", StringComparison.Ordinal)..]));
}

/// <summary>What a server of a test is like.</summary>
internal sealed record SmtpServerOptions
{
    public bool StartTls { get; init; } = true;

    /// <summary>Mechanisms after AUTH; null does not offer it.</summary>
    public string? Auth { get; init; } = "PLAIN LOGIN";

    public string Password { get; init; } = "right";

    /// <summary>Recipients that it refuses.</summary>
    public string? Refuses { get; init; }

    /// <summary>Says this right behind its answer to STARTTLS, in the clear.</summary>
    public string Injected { get; init; } = "";

    /// <summary>Takes the mail and goes away without a word.</summary>
    public bool BreaksOff { get; init; }

    /// <summary>Its first words.</summary>
    public string Greeting { get; init; } = "220 ready";
}

/// <summary>A mail server: EHLO, STARTTLS with a certificate of nobody, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA. It refuses what is out of order.</summary>
internal sealed class SmtpServer : IAsyncDisposable
{
    private static readonly X509Certificate2 Certificate = MakeCertificate();
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SmtpServerOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public SmtpServer(SmtpServerOptions? options = null)
    {
        _options = options ?? new();
        _listener.Start();
        _running = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public ConcurrentQueue<ReceivedMail> Mails { get; } = [];

    /// <summary>Every line that came in, encrypted or not.</summary>
    public ConcurrentQueue<string> Lines { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // First: a listener that has ended throws when it is asked for another connection.
        await _running;
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            Stream stream = client.GetStream();
            try
            {
                await TalkAsync(stream);
            }
            catch (Exception exception) when (exception is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
            {
                // The client has gone or did not like the certificate.
            }
        }
    }

    private async Task TalkAsync(Stream stream)
    {
        string? sender = null, user = null;
        var (recipients, encrypted) = (new List<string>(), false);
        await SayAsync(stream, _options.Greeting);
        while (await ReadLineAsync(stream) is { } line)
        {
            Lines.Enqueue(line);
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "EHLO":
                    await SayAsync(stream, $"250-hello\r\n{(_options.StartTls && !encrypted ? "250-STARTTLS\r\n" : "")}{(_options.Auth is null ? "" : $"250-AUTH {_options.Auth}\r\n")}250 SIZE 1000000");
                    break;
                case "STARTTLS" when !encrypted:
                    await SayAsync(stream, "220 go ahead" + _options.Injected);
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = Certificate }, _stop.Token);
                    (stream, encrypted) = (tls, true);
                    break;
                case "AUTH":
                    user = line.Split(' ') is ["AUTH", "PLAIN", var plain] ? Check(Decode(plain).Split('\0') is ["", var name, var word] ? (name, word) : default)
                        : Check((Decode(await AskAsync(stream, "VXNlcm5hbWU6")), Decode(await AskAsync(stream, "UGFzc3dvcmQ6"))));
                    await SayAsync(stream, user is null ? "535 5.7.8 authentication failed" : "235 welcome");
                    break;
                case "MAIL":
                    sender = line;
                    await SayAsync(stream, "250 ok");
                    break;
                case "RCPT" when sender is not null:
                    var refused = _options.Refuses is { } address && line.Contains(address, StringComparison.Ordinal);
                    recipients.Add(line["RCPT TO:<".Length..^1]);
                    await SayAsync(stream, refused ? "550 no such mailbox" : "250 ok");
                    break;
                case "DATA" when recipients.Count > 0:
                    await SayAsync(stream, "354 end with a dot");
                    var text = new StringBuilder();
                    while (await ReadLineAsync(stream) is { } content && content != ".")
                    {
                        text.Append(content).Append("\r\n");
                    }

                    Mails.Enqueue(new ReceivedMail(sender!["MAIL FROM:<".Length..^1], [.. recipients], text.ToString(), encrypted, user));
                    if (_options.BreaksOff)
                    {
                        return;
                    }

                    await SayAsync(stream, "250 queued");
                    break;
                case "QUIT":
                    await SayAsync(stream, "221 bye");
                    return;
                default:
                    await SayAsync(stream, "503 bad sequence of commands");
                    break;
            }
        }
    }

    private string? Check((string Name, string Word) given) => given.Word == _options.Password ? given.Name : null;

    private async Task<string> AskAsync(Stream stream, string question)
    {
        await SayAsync(stream, $"334 {question}");
        return await ReadLineAsync(stream) ?? "";
    }

    private async Task SayAsync(Stream stream, string text) => await stream.WriteAsync(Encoding.UTF8.GetBytes(text + "\r\n"), _stop.Token);

    private async Task<string?> ReadLineAsync(Stream stream)
    {
        var line = new List<byte>();
        var one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1)
        {
            line.Add(one[0]);
            if (line.Count >= 2 && line[^2] == '\r' && line[^1] == '\n')
            {
                return Encoding.UTF8.GetString([.. line], 0, line.Count - 2);
            }
        }

        return null;
    }

    private static string Decode(string text) => Encoding.UTF8.GetString(Convert.FromBase64String(text));

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var now = TimeProvider.System.GetUtcNow();
        return new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
