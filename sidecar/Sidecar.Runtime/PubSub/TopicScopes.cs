using Sidecar.Abstractions;

namespace Sidecar.Runtime.PubSub;

/// <summary>Which topics of a component an app may use (dapr-http §2.3).</summary>
public static class TopicScopes
{
    /// <summary>Whether publishing is allowed.</summary>
    public static bool MayPublish(ComponentMetadata metadata, string appId, string topic) => IsAllowed(metadata, metadata["publishingScopes"], appId, topic);

    /// <summary>Whether subscribing is allowed.</summary>
    public static bool MaySubscribe(ComponentMetadata metadata, string appId, string topic) => IsAllowed(metadata, metadata["subscriptionScopes"], appId, topic);

    private static bool IsAllowed(ComponentMetadata metadata, string? scopes, string appId, string topic)
    {
        if (metadata["allowedTopics"] is { Length: > 0 } allowed && !List(allowed).Contains(topic))
        {
            return false;
        }

        var entry = (scopes ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('=', 2))
            .FirstOrDefault(part => part[0].Trim() == appId);
        var isProtected = metadata["protectedTopics"] is { } protectedTopics && List(protectedTopics).Contains(topic);
        return entry is null ? !isProtected : entry.Length == 2 && List(entry[1]).Contains(topic);
    }

    private static string[] List(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
