using System.Globalization;

namespace Sidecar.Workflows.Storage;

/// <summary>Names of the rows of an instance, laid out as Dapr's workflow actor does (grpc §6).</summary>
internal sealed class InstanceKeys(string prefix)
{
    private const string Separator = "||";
    private const string MetadataSuffix = Separator + "metadata";

    public string Prefix { get; } = prefix;

    public string Metadata(string instanceId) => Prefix + instanceId + MetadataSuffix;

    public string CustomStatus(string instanceId) => Prefix + instanceId + Separator + "customStatus";

    public string History(string instanceId, ulong index) => Row(instanceId, "history-", index);

    public string Inbox(string instanceId, ulong index) => Row(instanceId, "inbox-", index);

    /// <summary>The instance of a metadata row, or null for any other row.</summary>
    public string? InstanceOfMetadata(string key) =>
        key.StartsWith(Prefix, StringComparison.Ordinal) && key.EndsWith(MetadataSuffix, StringComparison.Ordinal) && key.Length > Prefix.Length + MetadataSuffix.Length
            ? key[Prefix.Length..^MetadataSuffix.Length]
            : null;

    private string Row(string instanceId, string kind, ulong index) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{instanceId}{Separator}{kind}{index:D6}");
}
