using System.Text.Json.Nodes;

namespace Architecture.Tests;

/// <summary>What the sets for clouds are made of: their own broker, bucket and secrets, managed PostgreSQL for what must last, managed Redis with TLS for the rest.</summary>
public sealed class CloudSetTests
{
    private static readonly Dictionary<string, string> Shared = new()
    {
        ["statestore"] = "state.postgresql/v2", ["joblog"] = "state.postgresql/v2", ["revocations"] = "state.postgresql/v2", ["broadcast"] = "pubsub.redis/v1", ["lock"] = "lock.redis/v1",
    };

    [Theory]
    [InlineData("aws", "pubsub.aws.snssqs/v1", "bindings.aws.s3/v1", "secretstores.aws.secretsmanager/v1")]
    [InlineData("gcp", "pubsub.gcp.pubsub/v1", "bindings.gcp.bucket/v1", "secretstores.gcp.secretmanager/v1")]
    [InlineData("azure", "pubsub.azure.servicebus.topics/v1", "bindings.azure.blobstorage/v1", "secretstores.azure.keyvault/v1")]
    public void Each_block_is_on_its_service(string set, string pubsub, string objects, string secrets)
    {
        var types = Components(set).ToDictionary(component => component.TextAt("metadata", "name")!, Type);

        Assert.Equal((pubsub, objects, secrets), (types["pubsub"], types["objects"], types["secrets"]));
        Assert.All(Shared, block => Assert.Equal(block.Value, types[block.Key]));
    }

    [Theory]
    [InlineData("aws")]
    [InlineData("gcp")]
    [InlineData("azure")]
    public void Servers_are_reached_with_a_password_by_reference_and_redis_over_tls(string set) =>
        Assert.All(Components(set).Where(component => Type(component) is var type && (type.Contains(".redis/") || type.Contains(".postgresql/"))), component =>
        {
            var entries = component.ListAt("spec", "metadata").ToDictionary(entry => entry.TextAt("name")!);
            Assert.NotNull(entries[Type(component).Contains(".redis/") ? "redisPassword" : "connectionString"].At("secretKeyRef"));
            Assert.True(!Type(component).Contains(".redis/") || entries["enableTLS"].TextAt("value") == "true");
        });

    private static IEnumerable<JsonObject> Components(string set) =>
        Repository.Under($"components/{set}", ".yaml").SelectMany(Yaml.Read).Where(document => document.TextAt("kind") == "Component");

    private static string Type(JsonObject component) => $"{component.TextAt("spec", "type")}/{component.TextAt("spec", "version")}";
}
