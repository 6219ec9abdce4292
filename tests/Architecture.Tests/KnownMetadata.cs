namespace Architecture.Tests;

/// <summary>
/// Metadata per component type and version: of Dapr's types as its component reference lists them, of <c>*.tandem</c> as docs/engines.md does
/// ("Metadata"). A misspelt name is ignored by Dapr without a word, so it has to be found here.
/// </summary>
internal static class KnownMetadata
{
    private static readonly string[] Redis =
    [
        "redisHost", "redisPort", "redisUsername", "redisPassword", "redisType", "redisDB", "enableTLS", "insecureSkipTLSVerify", "clientCert", "clientKey", "useEntraID",
        "failover", "sentinelMasterName", "sentinelUsername", "sentinelPassword", "redisMaxRetries", "redisMinRetryInterval",
        "redisMaxRetryInterval", "dialTimeout", "readTimeout", "writeTimeout", "poolSize", "poolTimeout", "maxConnAge", "minIdleConns",
        "idleCheckFrequency", "idleTimeout",
    ];

    private static readonly string[] RedisRetries = ["maxRetries", "maxRetryBackoff"];
    private static readonly string[] Postgres =
    [
        "connectionString", "timeout", "maxConns", "connectionMaxIdleTime", "queryExecMode", "host", "hostaddr", "port", "database", "user", "password",
        "sslRootCert", "useAzureAD", "useAWSIAM", "awsAccessKey", "awsSecretKey",
    ];

    private static readonly string[] Aws = ["region", "awsRegion", "accessKey", "secretKey", "sessionToken", "assumeRoleArn", "sessionName", "trustAnchorArn", "trustProfileArn"];
    private static readonly string[] Gcp =
    [
        "type", "projectID", "privateKeyID", "privateKey", "clientEmail", "clientID", "authURI", "tokenURI", "authProviderX509CertURL", "clientX509CertURL",
    ];

    private static readonly string[] Azure =
        ["azureTenantId", "azureClientId", "azureClientSecret", "azureCertificate", "azureCertificateFile", "azureCertificatePassword", "azureEnvironment"];

    /// <summary>What only the embedded sidecar reads (docs/engines.md, "Metadata").</summary>
    private static readonly string[] RabbitMqOfOurs = ["connectTimeout", "publishTimeout", "redeliverInterval", "returnPause"];

    private static readonly string[] Outbox = ["outboxPublishPubsub", "outboxPublishTopic", "outboxPubsub", "outboxDiscardWhenMissingState"];
    private static readonly string[] DaprState = ["keyPrefix", "actorStateStore", "ttlInSeconds", .. Outbox];

    /// <summary>By <c>type/version</c>.</summary>
    public static IReadOnlyDictionary<string, MetadataTable> Tables { get; } = new Dictionary<string, MetadataTable>
    {
        ["state.redis/v1"] = Of([.. Redis, .. DaprState, .. RedisRetries, "queryIndexes"], "redisHost"),
        ["state.postgresql/v1"] = Of([.. Postgres, .. DaprState, "tableName", "metadataTableName", "cleanupInterval"], "connectionString|host"),
        ["state.postgresql/v2"] = Of([.. Postgres, .. DaprState, "tablePrefix", "metadataTableName", "cleanupInterval"], "connectionString|host"),
        ["pubsub.redis/v1"] = Of(
            [.. Redis, "consumerID", "redeliverInterval", "processingTimeout", "queueDepth", "concurrency", "maxLenApprox", "streamTTL"], "redisHost"),
        ["pubsub.rabbitmq/v1"] = Of(
            [
                "connectionString", "hostname", "protocol", "username", "password", "caCert", "clientCert", "clientKey", "saslExternal", "consumerID", "durable",
                "publisherConfirm", "maxLen", "maxLenBytes", "concurrency", "concurrencyMode", "enableDeadLetter", "prefetchCount", "exchangeKind", "deliveryMode",
                "autoAck", "deletedWhenUnused", "requeueInFailure", "reconnectWaitSeconds", "ttlInSeconds", "clientName", "heartBeat",
                "publishMessagePropertiesToMetadata", .. RabbitMqOfOurs, "mandatory", "processingTimeout",
            ],
            "connectionString|hostname"),
        ["pubsub.aws.snssqs/v1"] = Of(
            [
                .. Aws, "consumerID", "endpoint", "messageVisibilityTimeout", "messageReceiveLimit", "messageRetryLimit", "sqsDeadLettersQueueName",
                "messageWaitTimeSeconds", "messageMaxNumber", "fifo", "fifoMessageGroupID", "disableEntityManagement", "disableDeleteOnRetryLimit",
                "assetsManagementTimeoutSeconds", "concurrencyMode", "concurrencyLimit", "accountId",
            ],
            "region|awsRegion"),
        ["pubsub.gcp.pubsub/v1"] = Of(
            [
                .. Gcp, "identityProjectID", "consumerID", "enableMessageOrdering", "orderingKey", "disableEntityManagement", "maxReconnectionAttempts",
                "connectionRecoveryInSec", "deadLetterTopic", "endpoint", "maxDeliveryAttempts", "maxOutstandingMessages", "maxOutstandingBytes",
                "maxConcurrentConnections", "ackDeadline",
            ],
            "projectID"),
        ["pubsub.azure.servicebus.topics/v1"] = Of(
            [
                .. Azure, "connectionString", "namespaceName", "consumerID", "maxRetriableErrorsPerSec", "minConnectionRecoveryInSec", "maxConnectionRecoveryInSec",
                "maxActiveMessages", "maxConcurrentHandlers", "lockRenewalInSec", "timeoutInSec", "disableEntityManagement", "lockDurationInSec",
                "autoDeleteOnIdleInSec", "defaultMessageTimeToLiveInSec", "maxDeliveryCount", "handlerTimeoutInSec", "publishMaxRetries",
                "publishInitialRetryIntervalInMs",
            ],
            "connectionString|namespaceName"),
        ["lock.redis/v1"] = Of([.. Redis, .. RedisRetries, "redeliverInterval", "processingTimeout"], "redisHost"),
        ["configuration.redis/v1"] = Of([.. Redis, .. RedisRetries], "redisHost"),
        ["configuration.postgresql/v1"] = Of([.. Postgres, "table", "notifyChannel", "connMaxIdleTime"], "connectionString|host", "table"),
        ["bindings.cron/v1"] = Of(["schedule", "direction"], "schedule"),
        ["bindings.http/v1"] = Of(
            [
                "url", "responseTimeout", "maxResponseBodySize", "MTLSRootCA", "MTLSClientCert", "MTLSClientKey", "MTLSRenegotiation", "securityToken",
                "securityTokenHeader", "errorIfNot2XX", "direction",
            ],
            "url"),
        ["bindings.localstorage/v1"] = Of(["rootPath", "direction"], "rootPath"),
        ["bindings.aws.s3/v1"] = Of(
            [
                .. Aws, "bucket", "endpoint", "forcePathStyle", "decodeBase64", "encodeBase64", "disableSSL", "insecureSSL", "filePath", "presignTTL", "storageClass",
                "direction",
            ],
            "bucket", "region|awsRegion|endpoint"),
        ["bindings.gcp.bucket/v1"] = Of([.. Gcp, "bucket", "signTTL", "decodeBase64", "encodeBase64", "contentType", "direction"], "bucket"),
        ["bindings.azure.blobstorage/v1"] = Of(
            [
                .. Azure, "accountName", "accountKey", "connectionString", "containerName", "endpoint", "publicAccessLevel", "decodeBase64", "retryCount",
                "disableEntityManagement", "direction",
            ],
            "accountName|connectionString", "containerName"),
        ["bindings.rabbitmq/v1"] = Of(
            [
                "host", "queueName", "durable", "deleteWhenUnused", "ttl", "prefetchCount", "exclusive", "maxPriority", "contentType", "reconnectWaitInSeconds",
                "caCert", "clientCert", "clientKey", "externalSasl", "direction", .. RabbitMqOfOurs,
            ],
            "host", "queueName"),
        ["bindings.redis/v1"] = Of([.. Redis, "direction"], "redisHost"),
        ["bindings.postgresql/v1"] = Of([.. Postgres, "direction"], "connectionString|host"),
        ["bindings.smtp/v1"] = Of(
            ["user", "password", "host", "port", "emailFrom", "emailTo", "emailCC", "emailBCC", "priority", "subject", "skipTLSVerify", "direction"], "host"),
        ["secretstores.local.file/v1"] = Of(["secretsFile", "nestedSeparator", "multiValued"], "secretsFile"),
        ["secretstores.local.env/v1"] = Of(["prefix"]),
        ["secretstores.kubernetes/v1"] = Of(["defaultNamespace", "kubeconfigPath"]),
        ["secretstores.aws.secretsmanager/v1"] = Of([.. Aws, "endpoint", "multipleKeyValuesPerSecret"], "region|awsRegion"),
        ["secretstores.gcp.secretmanager/v1"] = Of(Gcp, "projectID"),
        ["secretstores.azure.keyvault/v1"] = Of([.. Azure, "vaultName"], "vaultName"),
        ["state.tandem/v1"] = Of(["keyPrefix", "actorStateStore", "fsync", .. Outbox]),
        ["pubsub.tandem/v1"] = Of(
        [
            "consumerID", "durable", "ephemeral", "fsync", "concurrency", "queueDepth", "processingTimeout", "redeliverInterval", "returnPause", "maxLenApprox",
            "retention", "retainedMessages", "maxBacklog", "maxBacklogBytes",
        ]),
        ["lock.tandem/v1"] = Of(["fsync"]),
        ["configuration.tandem/v1"] = Of(["file", "fsync"]),
    };

    /// <summary>A table; of required names with <c>|</c> between them one is enough.</summary>
    private static MetadataTable Of(string[] known, params string[] required) =>
        new(known.ToHashSet(StringComparer.Ordinal), [.. required.Select(names => names.Split('|'))]);
}
