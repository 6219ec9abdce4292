using Sidecar.Abstractions;

namespace Sidecar.Api;

/// <summary>What the metadata API says of this runtime and of components (dapr-http §10).</summary>
internal static class Capabilities
{
    /// <summary>The Dapr version whose API this is.</summary>
    public const string RuntimeVersion = "1.18.0";

    /// <summary>Names as Dapr has them.</summary>
    public static IEnumerable<string> Of(IComponent component)
    {
        if (component is IStateStore state)
        {
            (StateFeatures Flag, string Name)[] all =
            [
                (StateFeatures.ETag, "ETAG"), (StateFeatures.Transactional, "TRANSACTIONAL"), (StateFeatures.Ttl, "TTL"),
                (StateFeatures.Actor, "ACTOR"), (StateFeatures.DeleteWithPrefix, "DELETE_WITH_PREFIX"),
            ];
            return all.Where(entry => state.Features.HasFlag(entry.Flag)).Select(entry => entry.Name);
        }

        if (component is IPubSub pubSub)
        {
            (PubSubFeatures Flag, string Name)[] all =
            [
                (PubSubFeatures.SubscribeWildcards, "SUBSCRIBE_WILDCARDS"), (PubSubFeatures.MessageTtl, "MESSAGE_TTL"), (PubSubFeatures.BulkPublish, "BULK_PUBSUB"),
            ];
            return all.Where(entry => pubSub.Features.HasFlag(entry.Flag)).Select(entry => entry.Name);
        }

        return
        [
            .. component is IInputBinding ? ["INPUT_BINDING"] : Array.Empty<string>(),
            .. component is IOutputBinding ? ["OUTPUT_BINDING"] : Array.Empty<string>(),
            .. component is ISecretStore { MultipleValuesPerSecret: true } ? ["MULTIPLE_KEY_VALUES_PER_SECRET"] : Array.Empty<string>(),
        ];
    }
}
