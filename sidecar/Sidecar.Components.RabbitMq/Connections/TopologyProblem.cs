using System.Text.RegularExpressions;
using RabbitMQ.Client.Exceptions;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Connections;

/// <summary>Refusals of the broker that do not pass by waiting, in a sentence that says what to do.</summary>
internal static partial class TopologyProblem
{
    public const ushort AccessRefused = 403;
    public const ushort NotFound = 404;
    public const ushort ResourceLocked = 405;
    public const ushort PreconditionFailed = 406;
    public const ushort NotAllowed = 530;
    public const ushort NotImplemented = 540;

    /// <summary>Arguments of queues and exchanges, as the metadata calls them.</summary>
    private static readonly Dictionary<string, string> MetadataNames = new()
    {
        ["x-queue-type"] = "queueType",
        ["x-max-length"] = "maxLen",
        ["x-max-length-bytes"] = "maxLenBytes",
        ["x-max-priority"] = "maxPriority",
        ["x-single-active-consumer"] = "singleActiveConsumer",
        ["x-dead-letter-exchange"] = "enableDeadLetter",
        ["x-message-ttl"] = "ttl",
        ["durable"] = "durable",
        ["auto_delete"] = "deletedWhenUnused",
        ["exclusive"] = "exclusive",
        ["type"] = "exchangeKind",
    };

    /// <summary>The sentence for a refusal; null when it is a lost connection, or another thing that passes.</summary>
    public static ComponentException? Of(Exception exception, BrokerAddress address) =>
        exception is OperationInterruptedException { ShutdownReason: { } reason } && Sentence(reason.ReplyCode, reason.ReplyText, address) is { } sentence
            ? new ComponentException(sentence, exception)
            : null;

    private static string? Sentence(ushort code, string text, BrokerAddress address) => code switch
    {
        PreconditionFailed when Inequivalent().Match(text) is { Success: true } match => Inequivalence(match, address),
        AccessRefused => $"{address} does not allow it to user '{address.UserName}' ({text}): give the permission with rabbitmqctl set_permissions",
        PreconditionFailed or NotFound or ResourceLocked or NotAllowed or NotImplemented => $"{address} refuses: {text}",
        _ => null,
    };

    private static string Inequivalence(Match match, BrokerAddress address)
    {
        var (argument, kind, name) = (match.Groups["arg"].Value, match.Groups["kind"].Value, match.Groups["name"].Value);
        var metadata = MetadataNames.TryGetValue(argument, out var known) ? $"make '{known}' equal" : "make them equal";
        var remedy = kind == "queue" ? $"when it is empty, delete it (rabbitmqctl delete_queue {name}); it is made anew" : "delete it; it is made anew";
        return $"the {kind} '{name}' at {address} exists with another {argument} ({match.Groups["values"].Value}): {metadata}, or {remedy}";
    }

    [GeneratedRegex(@"inequivalent arg '(?<arg>[^']+)' for (?<kind>queue|exchange) '(?<name>.*)' in vhost '[^']*': (?<values>.*)$")]
    private static partial Regex Inequivalent();
}
