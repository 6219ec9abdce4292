using System.Globalization;
using System.Net.Mail;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Smtp;

/// <summary>A mail as it goes over the wire (RFC 5322): an HTML body in base64, so that no line of it is long or begins with a dot.</summary>
internal sealed class Mail
{
    /// <summary>Bytes of text in one encoded word, which may have 75 characters.</summary>
    private const int WordBytes = 42;

    private readonly List<MailAddress> _recipients = [];
    private readonly StringBuilder _text = new();

    public MailAddress Sender { get; }

    /// <summary>Also those of the blind copy, whom no header names.</summary>
    public IReadOnlyList<MailAddress> Recipients => _recipients;

    public Mail(SmtpSettings settings, ReadOnlySpan<byte> html, DateTimeOffset date)
    {
        Sender = Address("emailFrom", Required("emailFrom", settings.From));
        Header("From", Format(Sender));
        Header("To", Receivers("emailTo", Required("emailTo", settings.To)));
        if (settings.Cc is { } copy)
        {
            Header("Cc", Receivers("emailCC", copy));
        }

        if (settings.Bcc is { } blind)
        {
            Receivers("emailBCC", blind);
        }

        Header("Subject", Words(Clean("subject", Required("subject", settings.Subject))));
        Header("X-Priority", settings.Priority.ToString(CultureInfo.InvariantCulture));
        Header("Date", date.ToString("ddd, dd MMM yyyy HH:mm:ss +0000", CultureInfo.InvariantCulture));
        Header("Message-ID", $"<{Guid.NewGuid():N}@{Sender.Host}>");
        Header("MIME-Version", "1.0");
        Header("Content-Type", "text/html; charset=utf-8");
        Header("Content-Transfer-Encoding", "base64");
        _text.Append("\r\n").Append(Convert.ToBase64String(html, Base64FormattingOptions.InsertLineBreaks)).Append("\r\n");
    }

    public override string ToString() => _text.ToString();

    private void Header(string name, string value) => _text.Append(name).Append(": ").Append(value).Append("\r\n");

    private static string Required(string name, string? value) => value ?? throw new BindingException($"{name} is neither in the component's metadata nor in the request's");

    private string Receivers(string name, string list)
    {
        var addresses = list.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(text => Address(name, text)).ToArray();
        _recipients.AddRange(addresses.Length > 0 ? addresses : throw new BindingException($"{name} has no address"));
        return string.Join(",\r\n ", addresses.Select(Format));
    }

    private static MailAddress Address(string name, string text) =>
        MailAddress.TryCreate(Clean(name, text), out var address) ? address : throw new BindingException($"{name} is not a mail address: '{text}'");

    /// <summary>A line break in a value would begin a header of the caller's making.</summary>
    private static string Clean(string name, string text) =>
        text.Any(char.IsControl) ? throw new BindingException($"{name} has a line break or another control character") : text;

    private static string Format(MailAddress address) => address.DisplayName.Length == 0 ? address.Address
        : address.DisplayName.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == ' ') ? $"{address.DisplayName} <{address.Address}>"
        : $"{Encoded(address.DisplayName)} <{address.Address}>";

    /// <summary>ASCII as it is where it fits on a line, anything else as encoded words (RFC 2047).</summary>
    private static string Words(string text) =>
        Ascii.IsValid(text) && text.Length <= 200 && !text.Contains("=?", StringComparison.Ordinal) ? text : Encoded(text);

    private static string Encoded(string text)
    {
        var words = new List<string>();
        var bytes = new List<byte>();
        var rune = new byte[4];
        foreach (var letter in text.EnumerateRunes())
        {
            var length = letter.EncodeToUtf8(rune);
            if (bytes.Count + length > WordBytes)
            {
                words.Add(Word(bytes));
                bytes.Clear();
            }

            bytes.AddRange(rune.AsSpan(0, length));
        }

        words.Add(Word(bytes));
        return string.Join("\r\n ", words);
    }

    private static string Word(List<byte> bytes) => $"=?utf-8?B?{Convert.ToBase64String([.. bytes])}?=";
}
