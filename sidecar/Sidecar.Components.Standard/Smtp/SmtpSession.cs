using System.Net;
using System.Net.Mail;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Smtp;

/// <summary>
/// A conversation with a mail server (RFC 5321, STARTTLS RFC 3207, AUTH RFC 4954) as Dapr's component has it: TLS from the start on port 465, STARTTLS
/// wherever it is offered, credentials over TLS or loopback alone. <c>System.Net.Mail.SmtpClient</c> does none of the three per component. Where MailKit
/// can be had, it takes the place of this class: nothing else knows the protocol.
/// </summary>
internal sealed class SmtpSession : IAsyncDisposable
{
    private const int TlsPort = 465;
    private const int MaxReply = 64 * 1024;

    private readonly SmtpSettings _settings;
    private readonly TcpClient _connection = new();
    private readonly byte[] _buffer = new byte[4096];
    private Stream _stream = Stream.Null;
    private int _start;
    private int _end;
    private HashSet<string> _extensions = [];

    private SmtpSession(SmtpSettings settings) => _settings = settings;

    private string Server => $"{_settings.Host}:{_settings.Port}";

    private bool IsEncrypted => _stream is SslStream;

    /// <summary>Connects, encrypts, signs in.</summary>
    public static async Task<SmtpSession> OpenAsync(SmtpSettings settings, CancellationToken cancellationToken)
    {
        var session = new SmtpSession(settings);
        try
        {
            await session.OpenAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    /// <summary>Hands the mail over. When this returns the server has it.</summary>
    public async Task SendAsync(Mail mail, CancellationToken cancellationToken)
    {
        var international = !mail.Recipients.Append(mail.Sender).All(address => Ascii.IsValid(address.Address));
        if (international && !_extensions.Contains("SMTPUTF8"))
        {
            throw new BindingException($"{Server} takes no addresses beyond ASCII");
        }

        await CommandAsync($"MAIL FROM:<{mail.Sender.Address}>{(international ? " SMTPUTF8" : "")}", 250, cancellationToken);
        foreach (var recipient in mail.Recipients.Select(recipient => recipient.Address).Distinct(StringComparer.Ordinal))
        {
            await CommandAsync($"RCPT TO:<{recipient}>", 250, cancellationToken);
        }

        await CommandAsync("DATA", 354, cancellationToken);
        await CommandAsync($"{mail}.", 250, cancellationToken, "the mail");
        try
        {
            await CommandAsync("QUIT", 221, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or SmtpException or BindingException or OperationCanceledException)
        {
            // The mail is the server's; how it says goodbye changes nothing.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _connection.Dispose();
    }

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _connection.ConnectAsync(_settings.Host, _settings.Port, cancellationToken);
        }
        catch (SocketException exception)
        {
            throw new BindingException($"{Server} cannot be reached: {exception.Message}; check metadata 'host' and 'port'", innerException: exception);
        }

        _stream = _connection.GetStream();
        if (_settings.Port == TlsPort)
        {
            await EncryptAsync(cancellationToken);
        }

        await ExpectAsync(220, "the connection", cancellationToken);
        await GreetAsync(cancellationToken);
        if (!IsEncrypted && _extensions.Contains("STARTTLS"))
        {
            await CommandAsync("STARTTLS", 220, cancellationToken);
            await EncryptAsync(cancellationToken);
            await GreetAsync(cancellationToken);
        }

        if (_settings.Credentials is var (user, password))
        {
            await SignInAsync(user, password, cancellationToken);
        }
    }

    private async Task GreetAsync(CancellationToken cancellationToken)
    {
        var lines = await CommandAsync("EHLO localhost", 250, cancellationToken);
        _extensions = [.. lines.Skip(1).SelectMany(line => line.StartsWith("AUTH", StringComparison.OrdinalIgnoreCase)
            ? line.Split(' ', '=').Skip(1).Select(mechanism => $"AUTH {mechanism.ToUpperInvariant()}")
            : [line.Split(' ')[0].ToUpperInvariant()])];
    }

    private async Task EncryptAsync(CancellationToken cancellationToken)
    {
        if (_start < _end)
        {
            // What came before the encryption could be anybody's words.
            throw new BindingException($"{Server} sent something between STARTTLS and the encryption");
        }

        var encrypted = new SslStream(_stream);
        try
        {
            await encrypted.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = _settings.Host,
                    RemoteCertificateValidationCallback = _settings.SkipTlsVerify ? (_, _, _, _) => true : null,
                },
                cancellationToken);
        }
        catch (AuthenticationException exception)
        {
            await encrypted.DisposeAsync();
            throw new BindingException($"the certificate of {Server} was not accepted: {exception.Message}; for tests there is 'skipTLSVerify'", innerException: exception);
        }

        _stream = encrypted;
    }

    private async Task SignInAsync(string user, string password, CancellationToken cancellationToken)
    {
        if (!IsEncrypted && !IPAddress.IsLoopback(((IPEndPoint)_connection.Client.RemoteEndPoint!).Address))
        {
            throw new BindingException($"{Server} offers no STARTTLS, and credentials are not sent in the clear");
        }

        if (_extensions.Contains("AUTH PLAIN"))
        {
            await SecretAsync($"AUTH PLAIN {Encode($"\0{user}\0{password}")}", 235, cancellationToken);
        }
        else if (_extensions.Contains("AUTH LOGIN"))
        {
            await CommandAsync("AUTH LOGIN", 334, cancellationToken);
            await SecretAsync(Encode(user), 334, cancellationToken);
            await SecretAsync(Encode(password), 235, cancellationToken);
        }
        else
        {
            throw new BindingException($"{Server} offers neither AUTH PLAIN nor AUTH LOGIN, and metadata has 'user' and 'password'");
        }
    }

    private async Task SecretAsync(string command, int code, CancellationToken cancellationToken)
    {
        try
        {
            await CommandAsync(command, code, cancellationToken, "user and password");
        }
        catch (SmtpException exception)
        {
            throw new BindingException($"{exception.Message}; check metadata 'user' and 'password'", innerException: exception);
        }
    }

    /// <summary>Sends a command and reads its reply. <paramref name="shown"/> is what a message calls it where the text itself must not be shown.</summary>
    private async Task<List<string>> CommandAsync(string command, int code, CancellationToken cancellationToken, string? shown = null)
    {
        await _stream.WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancellationToken);
        return await ExpectAsync(code, shown ?? command, cancellationToken);
    }

    private async Task<List<string>> ExpectAsync(int code, string shown, CancellationToken cancellationToken)
    {
        var lines = new List<string>();
        var size = 0;
        string line;
        do
        {
            line = await LineAsync(cancellationToken);
            size += line.Length;
            if (line.Length < 3 || !int.TryParse(line.AsSpan(0, 3), out _) || size > MaxReply)
            {
                throw new BindingException($"{Server} does not speak SMTP");
            }

            lines.Add(line.Length > 4 ? line[4..] : "");
        }
        while (line.Length > 3 && line[3] == '-');

        // 251: the recipient is somewhere else and the server will forward.
        return line.StartsWith($"{code}", StringComparison.Ordinal) || code == 250 && line.StartsWith("251", StringComparison.Ordinal) ? lines : throw new SmtpException($"{Server} answered {line[..3]} to {shown}: {string.Join(' ', lines)}");
    }

    private async Task<string> LineAsync(CancellationToken cancellationToken)
    {
        var line = new StringBuilder();
        while (line.Length < MaxReply)
        {
            var end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            var length = end < 0 ? _end - _start : end + 1;
            line.Append(Encoding.UTF8.GetString(_buffer, _start, length));
            _start += length;
            if (end >= 0)
            {
                return line.ToString().TrimEnd('\r', '\n');
            }

            (_start, _end) = (0, await _stream.ReadAsync(_buffer, cancellationToken));
            if (_end == 0)
            {
                throw new IOException("the server closed the connection");
            }
        }

        throw new BindingException($"{Server} does not speak SMTP");
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
