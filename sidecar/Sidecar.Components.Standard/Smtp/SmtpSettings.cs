using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Smtp;

/// <summary>The metadata of <c>bindings.smtp</c> (config §10), checked. A request overrides addresses, subject and priority.</summary>
internal sealed record SmtpSettings
{
    private const int DefaultPort = 587;
    private const int DefaultPriority = 3;

    public required string Host { get; init; }

    public required int Port { get; init; }

    /// <summary>Null sends without signing in.</summary>
    public required (string User, string Password)? Credentials { get; init; }

    public required bool SkipTlsVerify { get; init; }

    /// <summary>Limit of one mail, from the connection to the server's word that it has it.</summary>
    public required TimeSpan Timeout { get; init; }

    public required string? From { get; init; }

    public required string? To { get; init; }

    public required string? Cc { get; init; }

    public required string? Bcc { get; init; }

    public required string? Subject { get; init; }

    /// <summary>1 (highest) to 5.</summary>
    public required int Priority { get; init; }

    public static SmtpSettings Read(ComponentMetadata metadata)
    {
        var port = metadata.Int("port", DefaultPort);
        var timeout = metadata.Duration("timeout", TimeSpan.FromSeconds(60));
        return new SmtpSettings
        {
            Host = metadata.Required("host"),
            Port = port is > 0 and <= 65535 ? port : throw new ComponentException($"metadata 'port' is not a port: {port}"),
            Credentials = (Text(metadata, "user"), Text(metadata, "password")) switch
            {
                (null, null) => null,
                ({ } user, { } password) => (user, password),
                _ => throw new ComponentException("metadata 'user' and 'password' are needed together"),
            },
            SkipTlsVerify = metadata.Bool("skipTLSVerify", false),
            Timeout = timeout > TimeSpan.Zero ? timeout : throw new ComponentException("metadata 'timeout' must be more than zero"),
            From = Text(metadata, "emailFrom"),
            To = Text(metadata, "emailTo"),
            Cc = Text(metadata, "emailCC"),
            Bcc = Text(metadata, "emailBCC"),
            Subject = Text(metadata, "subject"),
            Priority = Text(metadata, "priority") is { } text ? PriorityOf(text) ?? throw new ComponentException(WrongPriority(text)) : DefaultPriority,
        };
    }

    /// <summary>What holds for one request.</summary>
    public SmtpSettings With(ComponentMetadata request) => this with
    {
        From = Text(request, "emailFrom") ?? From,
        To = Text(request, "emailTo") ?? To,
        Cc = Text(request, "emailCC") ?? Cc,
        Bcc = Text(request, "emailBCC") ?? Bcc,
        Subject = Text(request, "subject") ?? Subject,
        Priority = Text(request, "priority") is { } text ? PriorityOf(text) ?? throw new BindingException(WrongPriority(text)) : Priority,
    };

    private static int? PriorityOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var priority) && priority is >= 1 and <= 5 ? priority : null;

    private static string WrongPriority(string text) => $"priority is not a number from 1 (highest) to 5: '{text}'";

    private static string? Text(ComponentMetadata metadata, string name) => metadata[name] is { Length: > 0 } text ? text : null;
}
