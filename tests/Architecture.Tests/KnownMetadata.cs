namespace Architecture.Tests;

/// <summary>
/// Metadata names per component type: of Dapr's types as its component reference lists them, of <c>*.tandem</c> as docs/engines.md does ("Metadata"). A
/// misspelt name is ignored by Dapr without a word, so it has to be found here.
/// </summary>
internal static class KnownMetadata
{
    private static readonly string[] Redis =
    [
        "redisHost", "redisUsername", "redisPassword", "redisType", "redisDB", "enableTLS", "clientCert", "clientKey", "useEntraID",
        "failover", "sentinelMasterName", "sentinelUsername", "sentinelPassword", "redisMaxRetries", "redisMinRetryInterval",
        "redisMaxRetryInterval", "dialTimeout", "readTimeout", "writeTimeout", "poolSize", "poolTimeout", "maxConnAge", "minIdleConns",
        "idleCheckFrequency", "idleTimeout",
    ];

    private static readonly string[] Aws = ["region", "awsRegion", "accessKey", "secretKey", "sessionToken", "assumeRoleArn", "sessionName", "trustAnchorArn", "trustProfileArn"];

    private static readonly string[] Outbox = ["outboxPublishPubsub", "outboxPublishTopic", "outboxPubsub", "outboxDiscardWhenMissingState"];
    private static readonly string[] DaprState = ["keyPrefix", "actorStateStore", "ttlInSeconds", .. Outbox];

    public static IReadOnlyDictionary<string, IReadOnlySet<string>> Names { get; } = new Dictionary<string, IReadOnlySet<string>>
    {
        ["state.redis"] = Set([.. Redis, .. DaprState, "maxRetries", "maxRetryBackoff", "queryIndexes"]),
        ["pubsub.redis"] = Set([.. Redis, "consumerID", "redeliverInterval", "processingTimeout", "queueDepth", "concurrency", "maxLenApprox", "streamTTL"]),
        ["lock.redis"] = Set([.. Redis, "maxRetries", "maxRetryBackoff"]),
        ["configuration.redis"] = Set([.. Redis, "maxRetries", "maxRetryBackoff"]),
        ["bindings.cron"] = Set("schedule", "direction"),
        ["bindings.aws.s3"] = Set([.. Aws, "bucket", "endpoint", "forcePathStyle", "decodeBase64", "encodeBase64", "disableSSL", "insecureSSL", "filePath", "presignTTL", "storageClass", "direction"]),
        ["bindings.localstorage"] = Set("rootPath", "direction"),
        ["secretstores.local.file"] = Set("secretsFile", "nestedSeparator", "multiValued"),
        ["secretstores.kubernetes"] = Set("defaultNamespace", "kubeconfigPath"),
        ["state.tandem"] = Set(["keyPrefix", "actorStateStore", "fsync", .. Outbox]),
        ["pubsub.tandem"] = Set(
            "consumerID", "durable", "ephemeral", "fsync", "concurrency", "queueDepth", "processingTimeout", "redeliverInterval", "returnPause", "maxLenApprox",
            "retention", "retainedMessages", "maxBacklog", "maxBacklogBytes"),
        ["lock.tandem"] = Set("fsync"),
        ["configuration.tandem"] = Set("file", "fsync"),
    };

    private static IReadOnlySet<string> Set(params string[] names) => names.ToHashSet(StringComparer.Ordinal);
}
