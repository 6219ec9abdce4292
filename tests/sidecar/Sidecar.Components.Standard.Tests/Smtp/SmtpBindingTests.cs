using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Components.Standard.Smtp;

namespace Sidecar.Components.Standard.Tests.Smtp;

public sealed class SmtpBindingTests
{
    private const string SignedIn = "user=ann;password=right;skipTLSVerify=true";

    [Fact]
    public async Task A_mail_goes_out_encrypted_and_signed_in()
    {
        await using var server = new SmtpServer();
        var binding = await BindingAsync(server, SignedIn);

        Assert.Null((await SendAsync(binding, "<p>Grüße,\r\n.\r\n안녕</p>", ("emailCC", "c@example.com; d@example.com"), ("emailBCC", "hidden@example.com"))).Data);

        var mail = Assert.Single(server.Mails);
        Assert.Equal((true, "ann", "from@example.com"), (mail.Encrypted, mail.User, mail.Sender));
        Assert.Equal(["to@example.com", "c@example.com", "d@example.com", "hidden@example.com"], mail.Recipients);
        Assert.Equal("<p>Grüße,\r\n.\r\n안녕</p>", mail.Body);
        Assert.Contains("From: from@example.com", mail.Headers);
        Assert.Contains("Cc: c@example.com, d@example.com", mail.Headers);
        Assert.Contains("Subject: hello", mail.Headers);
        Assert.Contains("X-Priority: 3", mail.Headers);
        Assert.Contains("Date: Fri, 02 Jan 2026 03:04:05 +0000", mail.Headers);
        Assert.Contains("Content-Type: text/html; charset=utf-8", mail.Headers);
        Assert.DoesNotContain("hidden", mail.Text, StringComparison.Ordinal);
        Assert.Contains("QUIT", server.Lines);
    }

    [Theory]
    [InlineData("LOGIN")]
    [InlineData("PLAIN")]
    [InlineData("CRAM-MD5 PLAIN")]
    public async Task Signs_in_with_what_the_server_has(string mechanisms)
    {
        await using var server = new SmtpServer(new() { Auth = mechanisms });

        await SendAsync(await BindingAsync(server, SignedIn), "text");

        Assert.Equal("ann", Assert.Single(server.Mails).User);
    }

    [Fact]
    public async Task Request_metadata_takes_the_place_of_the_components()
    {
        await using var server = new SmtpServer();
        var binding = await BindingAsync(server, "skipTLSVerify=true;priority=5");
        var subject = "Größe \U0001F4E6 " + string.Concat(Enumerable.Repeat("재활용 ", 30));

        await SendAsync(binding, "t", ("emailFrom", "\"Ann, Größe\" <ann@example.com>"), ("emailTo", "bob@example.com;Carl Doe <carl@example.com>"), ("subject", subject), ("priority", "1"));

        var mail = Assert.Single(server.Mails);
        Assert.Equal(("ann@example.com", null), (mail.Sender, mail.User));
        Assert.Contains("X-Priority: 1", mail.Headers);
        Assert.Contains("To: bob@example.com, Carl Doe <carl@example.com>", mail.Headers);
        Assert.Equal(subject, Decoded(mail.Headers.Single(header => header.StartsWith("Subject: ", StringComparison.Ordinal))["Subject: ".Length..]));
        Assert.StartsWith("Ann, Größe", Decoded(mail.Headers[0]["From: ".Length..]), StringComparison.Ordinal);
        Assert.All(mail.Text.Split("\r\n"), line => Assert.True(line.Length <= 78, line));
    }

    [Theory]
    [InlineData("subject", "hello\r\nBcc: everybody@example.com")]
    [InlineData("subject", "hello\nX: y")]
    [InlineData("emailTo", "a@example.com>\r\nRCPT TO:<b@example.com")]
    [InlineData("emailFrom", "a@example.com\rX")]
    [InlineData("emailCC", "a\0@example.com")]
    [InlineData("emailTo", "no address")]
    [InlineData("emailTo", " ; ")]
    [InlineData("priority", "6")]
    [InlineData("priority", "high")]
    public async Task Values_that_would_write_headers_of_their_own_are_refused(string name, string value)
    {
        await using var server = new SmtpServer();
        var binding = await BindingAsync(server, "skipTLSVerify=true");

        var refused = await Assert.ThrowsAsync<BindingException>(() => SendAsync(binding, "t", (name, value)));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Lines);
    }

    [Theory]
    [InlineData("emailFrom=")]
    [InlineData("emailTo=")]
    [InlineData("subject=")]
    public async Task What_neither_component_nor_request_has_is_named(string without)
    {
        await using var server = new SmtpServer();
        var binding = await BindingAsync(server, without);

        var refused = await Assert.ThrowsAsync<BindingException>(() => SendAsync(binding, "t"));

        Assert.Contains(without.TrimEnd('='), refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_nobody_stops_the_mail_before_any_secret()
    {
        await using var server = new SmtpServer();

        var refused = await Assert.ThrowsAsync<BindingException>(async () => await SendAsync(await BindingAsync(server, "user=ann;password=right"), "t"));

        Assert.Contains("certificate", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["EHLO localhost", "STARTTLS"], server.Lines);
    }

    [Fact]
    public async Task Words_in_the_clear_behind_starttls_end_the_conversation()
    {
        await using var server = new SmtpServer(new() { Injected = "\r\n250-AUTH PLAIN\r\n250 ok" });

        var refused = await Assert.ThrowsAsync<BindingException>(async () => await SendAsync(await BindingAsync(server, SignedIn), "t"));

        Assert.Contains("between STARTTLS and the encryption", refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task Wrong_credentials_are_said_without_the_password()
    {
        await using var server = new SmtpServer();

        var refused = await Assert.ThrowsAsync<BindingException>(async () => await SendAsync(await BindingAsync(server, "user=ann;password=hunter2;skipTLSVerify=true"), "t"));

        Assert.Contains("535", refused.Message, StringComparison.Ordinal);
        Assert.Contains("metadata 'user' and 'password'", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Convert.ToBase64String("\0ann\0hunter2"u8), refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_recipient_stops_the_mail_for_all()
    {
        await using var server = new SmtpServer(new() { Refuses = "gone@example.com" });

        var refused = await Assert.ThrowsAsync<BindingException>(
            async () => await SendAsync(await BindingAsync(server, "skipTLSVerify=true"), "t", ("emailTo", "to@example.com;gone@example.com")));

        Assert.Contains("550 to RCPT TO:<gone@example.com>", refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Mails);
    }

    [Fact]
    public async Task A_server_that_goes_away_with_the_mail_is_an_error()
    {
        await using var server = new SmtpServer(new() { BreaksOff = true });

        var failed = await Assert.ThrowsAsync<BindingException>(async () => await SendAsync(await BindingAsync(server, "skipTLSVerify=true"), "t"));

        Assert.Contains("may have the mail or not", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hello, this is no mail server")]
    [InlineData("554 go away")]
    public async Task A_server_of_another_kind_is_said(string greeting)
    {
        await using var server = new SmtpServer(new() { Greeting = greeting });

        var failed = await Assert.ThrowsAsync<BindingException>(async () => await SendAsync(await BindingAsync(server, ""), "t"));

        Assert.Contains($"127.0.0.1:{server.Port}", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers_ends_at_the_timeout()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var binding = await BindingAsync($"host=127.0.0.1;port={((IPEndPoint)silent.LocalEndpoint).Port};timeout=200ms");

        var failed = await Assert.ThrowsAsync<BindingException>(() => SendAsync(binding, "t"));

        Assert.Contains("'timeout'", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_where_nothing_listens_is_said()
    {
        var binding = await BindingAsync("host=127.0.0.1;port=1");

        Assert.Contains("127.0.0.1:1 cannot be reached", (await Assert.ThrowsAsync<BindingException>(() => SendAsync(binding, "t"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("port=587", "host")]
    [InlineData("host=h;port=0", "port")]
    [InlineData("host=h;user=ann", "needed together")]
    [InlineData("host=h;priority=0", "priority")]
    [InlineData("host=h;skipTLSVerify=perhaps", "skipTLSVerify")]
    public async Task Metadata_that_cannot_be_meant_stops_the_start(string metadata, string name)
    {
        var refused = await Assert.ThrowsAsync<ComponentException>(() => BindingAsync(metadata));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    private static Task<SmtpBinding> BindingAsync(SmtpServer server, string metadata) => BindingAsync($"host=127.0.0.1;port={server.Port};{metadata}");

    private static async Task<SmtpBinding> BindingAsync(string metadata)
    {
        var values = new Dictionary<string, string> { ["emailFrom"] = "from@example.com", ["emailTo"] = "to@example.com", ["subject"] = "hello" };
        foreach (var pair in metadata.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2)))
        {
            values[pair[0]] = pair[1];
        }

        var binding = new SmtpBinding(
            new ComponentContext("mail", "bindings.smtp", "v1", new ComponentMetadata(values), "app", 0, "/", "/", null!), new Clock());
        await binding.InitAsync(default);
        return binding;
    }

    private static async Task<BindingResponse> SendAsync(SmtpBinding binding, string html, params (string Name, string Value)[] metadata) => await binding.InvokeAsync(
        new BindingRequest("create", JsonSerializer.SerializeToUtf8Bytes(html), new ComponentMetadata(metadata.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)))), default);

    /// <summary>Encoded words as a mail program reads them: the blanks between them are not there.</summary>
    private static string Decoded(string header) => string.Concat(header.Split(' ').Select(word => word.StartsWith("=?utf-8?B?", StringComparison.Ordinal)
        ? Encoding.UTF8.GetString(Convert.FromBase64String(word["=?utf-8?B?".Length..^2]))
        : " " + word));

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
