using Dapr;
using Dapr.AspNetCore;
using Microsoft.AspNetCore.Builder;

namespace Dapr
{
    /// <summary>A topic that an endpoint handles.</summary>
    public interface ITopicMetadata
    {
        /// <summary>Topic.</summary>
        string Name { get; }

        /// <summary>Pub/sub component.</summary>
        string PubsubName { get; }

        /// <summary>Rule (CEL), null for the default route.</summary>
        string? Match { get; }

        /// <summary>Order of the rules.</summary>
        int Priority { get; }
    }

    /// <summary>Whether messages come without envelope.</summary>
    public interface IRawTopicMetadata
    {
        /// <summary>Raw payload.</summary>
        bool? EnableRawPayload { get; }
    }

    /// <summary>Where messages go that cannot be handled.</summary>
    public interface IDeadLetterTopicMetadata
    {
        /// <summary>Dead-letter topic.</summary>
        string? DeadLetterTopic { get; }
    }

    /// <summary>A value of subscription metadata.</summary>
    public interface IOriginalTopicMetadata
    {
        /// <summary>Id, empty for every topic of the endpoint.</summary>
        string Id { get; }

        /// <summary>Name.</summary>
        string Name { get; }

        /// <summary>Value.</summary>
        string Value { get; }
    }

    /// <summary>Which values of subscription metadata belong to a topic.</summary>
    public interface IOwnedOriginalTopicMetadata
    {
        /// <summary>Ids of the <see cref="IOriginalTopicMetadata"/> that belong to it.</summary>
        string[]? OwnedMetadatas { get; }

        /// <summary>Joins values of one name; default a comma.</summary>
        string? MetadataSeparator { get; }
    }

    /// <summary>Options of <c>WithTopic</c>.</summary>
    public class TopicOptions
    {
        /// <summary>Subscription metadata.</summary>
        public IDictionary<string, string>? Metadata;

        /// <summary>Topic.</summary>
        public string Name { get; set; } = "";

        /// <summary>Pub/sub component.</summary>
        public string PubsubName { get; set; } = "";

        /// <summary>Dead-letter topic.</summary>
        public string? DeadLetterTopic { get; set; }

        /// <summary>Messages come without envelope.</summary>
        public bool EnableRawPayload { get; set; }

        /// <summary>Rule (CEL).</summary>
        public string? Match { get; set; }

        /// <summary>Order of the rules.</summary>
        public int Priority { get; set; }

        /// <summary>Ids of the <see cref="TopicMetadataAttribute"/>s that belong to it.</summary>
        public string[]? OwnedMetadatas { get; set; }

        /// <summary>Joins values of one name; default a comma.</summary>
        public string? MetadataSeparator { get; set; }
    }

    /// <summary>Names the topic that an endpoint handles.</summary>
    [AttributeUsage(AttributeTargets.All, AllowMultiple = true)]
    public class TopicAttribute : Attribute, ITopicMetadata, IRawTopicMetadata, IOwnedOriginalTopicMetadata, IDeadLetterTopicMetadata
    {
        /// <summary>The default route of a topic.</summary>
        public TopicAttribute(string pubsubName, string name, string[]? ownedMetadatas = null, string? metadataSeparator = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(pubsubName);
            ArgumentException.ThrowIfNullOrEmpty(name);
            PubsubName = pubsubName;
            Name = name;
            OwnedMetadatas = ownedMetadatas;
            MetadataSeparator = metadataSeparator;
        }

        /// <summary>A topic whose messages may come without envelope.</summary>
        public TopicAttribute(string pubsubName, string name, bool enableRawPayload, string[]? ownedMetadatas = null, string? metadataSeparator = null)
            : this(pubsubName, name, ownedMetadatas, metadataSeparator) => EnableRawPayload = enableRawPayload;

        /// <summary>A rule of a topic whose messages may come without envelope.</summary>
        public TopicAttribute(
            string pubsubName, string name, bool enableRawPayload, string match, int priority, string[]? ownedMetadatas = null, string? metadataSeparator = null)
            : this(pubsubName, name, match, priority, ownedMetadatas, metadataSeparator) => EnableRawPayload = enableRawPayload;

        /// <summary>A topic with a dead-letter topic.</summary>
        public TopicAttribute(
            string pubsubName, string name, string deadLetterTopic, bool enableRawPayload, string[]? ownedMetadatas = null, string? metadataSeparator = null)
            : this(pubsubName, name, ownedMetadatas, metadataSeparator)
        {
            DeadLetterTopic = deadLetterTopic;
            EnableRawPayload = enableRawPayload;
        }

        /// <summary>A rule of a topic.</summary>
        public TopicAttribute(string pubsubName, string name, string match, int priority, string[]? ownedMetadatas = null, string? metadataSeparator = null)
            : this(pubsubName, name, ownedMetadatas, metadataSeparator)
        {
            Match = match;
            Priority = priority;
        }

        /// <inheritdoc/>
        public string Name { get; set; }

        /// <inheritdoc/>
        public string PubsubName { get; set; }

        /// <inheritdoc/>
        public bool? EnableRawPayload { get; set; }

        /// <inheritdoc/>
        public new string? Match { get; set; }

        /// <inheritdoc/>
        public int Priority { get; set; }

        /// <inheritdoc/>
        public string? DeadLetterTopic { get; set; }

        /// <inheritdoc/>
        public string[]? OwnedMetadatas { get; set; }

        /// <inheritdoc/>
        public string? MetadataSeparator { get; set; }
    }

    /// <summary>A value of subscription metadata.</summary>
    [AttributeUsage(AttributeTargets.All, AllowMultiple = true)]
    public class TopicMetadataAttribute : Attribute, IOriginalTopicMetadata
    {
        /// <summary>For every topic of the endpoint.</summary>
        public TopicMetadataAttribute(string name, string value) : this("", name, value) { }

        /// <summary>For the topics that own the id.</summary>
        public TopicMetadataAttribute(string id, string name, string value)
        {
            Id = id;
            Name = name;
            Value = value;
        }

        /// <inheritdoc/>
        public string Id { get; }

        /// <inheritdoc/>
        public string Name { get; }

        /// <inheritdoc/>
        public string Value { get; }
    }

    /// <summary>Options of <c>MapSubscribeHandler</c>.</summary>
    public class SubscribeOptions
    {
        /// <summary>All subscriptions take messages without envelope.</summary>
        public bool EnableRawPayload { get; set; }
    }
}

namespace Dapr.AspNetCore
{
    /// <summary>Bulk settings of a topic.</summary>
    public interface IBulkSubscribeMetadata
    {
        /// <summary>Topic.</summary>
        string TopicName { get; }

        /// <summary>Most messages of a batch.</summary>
        int MaxMessagesCount { get; }

        /// <summary>Longest wait for a batch, milliseconds.</summary>
        int MaxAwaitDurationMs { get; }
    }

    /// <summary>Options of <c>WithBulkSubscribe</c>.</summary>
    public class BulkSubscribeTopicOptions
    {
        /// <summary>Topic.</summary>
        public string TopicName { get; set; } = "";

        /// <summary>Most messages of a batch; default 100.</summary>
        public int MaxMessagesCount { get; set; } = 100;

        /// <summary>Longest wait for a batch, milliseconds; default 1,000.</summary>
        public int MaxAwaitDurationMs { get; set; } = 1000;
    }

    /// <summary>Messages of a topic come in batches.</summary>
    [AttributeUsage(AttributeTargets.All, AllowMultiple = true)]
    public class BulkSubscribeAttribute : Attribute, IBulkSubscribeMetadata
    {
        /// <summary>With the default limits.</summary>
        public BulkSubscribeAttribute(string topicName) : this(topicName, 100, 1000) { }

        /// <summary>With a limit of messages.</summary>
        public BulkSubscribeAttribute(string topicName, int maxMessagesCount) : this(topicName, maxMessagesCount, 1000) { }

        /// <summary>With both limits.</summary>
        public BulkSubscribeAttribute(string topicName, int maxMessagesCount, int maxAwaitDurationMs)
        {
            TopicName = topicName;
            MaxMessagesCount = maxMessagesCount;
            MaxAwaitDurationMs = maxAwaitDurationMs;
        }

        /// <inheritdoc/>
        public string TopicName { get; }

        /// <inheritdoc/>
        public int MaxMessagesCount { get; }

        /// <inheritdoc/>
        public int MaxAwaitDurationMs { get; }
    }
}

namespace Microsoft.AspNetCore.Builder
{
    /// <summary>Topics on endpoints.</summary>
    public static class DaprEndpointConventionBuilderExtensions
    {
        /// <summary>The endpoint handles a topic.</summary>
        public static T WithTopic<T>(this T builder, string pubsubName, string name) where T : IEndpointConventionBuilder =>
            builder.WithTopic(new TopicOptions { PubsubName = pubsubName, Name = name });

        /// <summary>The endpoint handles a topic, with subscription metadata.</summary>
        public static T WithTopic<T>(this T builder, string pubsubName, string name, IDictionary<string, string> metadata) where T : IEndpointConventionBuilder =>
            builder.WithTopic(new TopicOptions { PubsubName = pubsubName, Name = name, Metadata = metadata });

        /// <summary>The endpoint handles a topic, possibly without envelopes.</summary>
        public static T WithTopic<T>(this T builder, string pubsubName, string name, bool enableRawPayload) where T : IEndpointConventionBuilder =>
            builder.WithTopic(new TopicOptions { PubsubName = pubsubName, Name = name, EnableRawPayload = enableRawPayload });

        /// <summary>The endpoint handles a topic, possibly without envelopes, with subscription metadata.</summary>
        public static T WithTopic<T>(this T builder, string pubsubName, string name, bool enableRawPayload, IDictionary<string, string> metadata)
            where T : IEndpointConventionBuilder =>
            builder.WithTopic(new TopicOptions { PubsubName = pubsubName, Name = name, EnableRawPayload = enableRawPayload, Metadata = metadata });

        /// <summary>The endpoint handles a topic.</summary>
        public static T WithTopic<T>(this T builder, TopicOptions topicOptions) where T : IEndpointConventionBuilder
        {
            builder.WithMetadata(new TopicAttribute(topicOptions.PubsubName, topicOptions.Name, topicOptions.OwnedMetadatas, topicOptions.MetadataSeparator)
            {
                DeadLetterTopic = topicOptions.DeadLetterTopic,
                EnableRawPayload = topicOptions.EnableRawPayload,
                Match = topicOptions.Match,
                Priority = topicOptions.Priority,
            });
            foreach (var (name, value) in topicOptions.Metadata ?? new Dictionary<string, string>())
            {
                builder.WithMetadata(new TopicMetadataAttribute(name, value));
            }

            return builder;
        }

        /// <summary>Messages of a topic of this endpoint come in batches.</summary>
        public static T WithBulkSubscribe<T>(this T builder, BulkSubscribeTopicOptions bulkSubscribeTopicOptions) where T : IEndpointConventionBuilder =>
            builder.WithMetadata(new BulkSubscribeAttribute(
                bulkSubscribeTopicOptions.TopicName, bulkSubscribeTopicOptions.MaxMessagesCount, bulkSubscribeTopicOptions.MaxAwaitDurationMs));
    }
}
