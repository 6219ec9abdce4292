using System.Text.Json.Nodes;

namespace Architecture.Tests;

/// <summary>That the check of the component sets finds what it is for.</summary>
public sealed class MetadataTableTests
{
    private const string Good = "{name: redisHost, value: \"redis:6379\"}, {name: redisPassword, secretKeyRef: {name: redis, key: password}}";

    [Fact]
    public void A_component_as_it_should_be_has_no_problem() => Assert.Empty(Problems(Good));

    [Theory]
    [InlineData("state.nothing/v1", "", "add the metadata of state.nothing/v1")]
    [InlineData("state.redis/v2", Good, "add the metadata of state.redis/v2")]
    [InlineData("state.redis/v1", "{name: redisHost, value: \"a\"}, {name: redishost, value: \"a\"}", "has no metadata 'redishost'")]
    [InlineData("state.redis/v1", "{name: redisHost, value: \"a\"}, {name: redisHost, value: \"b\"}", "given twice")]
    [InlineData("state.redis/v1", "{name: enableTLS, value: \"true\"}", "needs metadata 'redisHost'")]
    [InlineData("state.redis/v1", "{name: redisHost, value: \"a\"}, {name: enableTLS, value: true}", "put its value in quotes")]
    [InlineData("state.redis/v1", "{name: redisHost}", "one of value")]
    [InlineData("state.redis/v1", "{name: redisHost, value: \"a\", envRef: \"A\"}", "one of value")]
    [InlineData("state.redis/v1", "{name: redisHost, value: \"a\"}, {name: redisPassword, value: \"hunter2\"}", "'redisPassword' holds a secret")]
    [InlineData("state.postgresql/v2", "{name: keyPrefix, value: \"name\"}", "needs metadata 'connectionString' or 'host'")]
    [InlineData("state.postgresql/v2", "{name: connectionString, value: \"host=pg user=a Password = hunter2\"}", "'connectionString' holds a secret")]
    [InlineData("pubsub.rabbitmq/v1", "{name: connectionString, value: \"amqps://user:hunter2@host:5671/\"}", "'connectionString' holds a secret")]
    [InlineData("pubsub.azure.servicebus.topics/v1", "{name: connectionString, value: \"Endpoint=sb://a;SharedAccessKey=b\"}", "holds a secret")]
    [InlineData("bindings.aws.s3/v1", "{name: region, value: \"eu-central-1\"}", "needs metadata 'bucket'")]
    public void Finds(string type, string metadata, string problem) =>
        Assert.Contains(problem, Assert.Single(Problems(metadata, type)), StringComparison.Ordinal);

    [Theory]
    [InlineData(null, "needs auth.secretStore")]
    [InlineData("missing", "no secret store 'missing'")]
    [InlineData("narrow", "not in scope of sse")]
    [InlineData("wide", null)]
    public void A_reference_names_a_store_that_every_app_of_the_component_sees(string? store, string? problem)
    {
        var found = Problems(Good, store: store, scopes: ["gateway", "sse"]);

        Assert.Equal(problem is null ? [] : [problem], found.Select(text => problem is not null && text.Contains(problem, StringComparison.Ordinal) ? problem : text));
    }

    private static string[] Problems(string metadata, string type = "state.redis/v1", string? store = "kubernetes", string[]? scopes = null) =>
        [.. MetadataTable.Problems(Component("c", type, metadata, store, scopes ?? []), [Component("narrow", "secretstores.local.file/v1", "", null, ["gateway"]), Component("wide", "secretstores.local.file/v1", "", null, ["gateway", "sse"])])];

    private static JsonObject Component(string name, string type, string metadata, string? store, string[] scopes) => Yaml.Parse(
        $$"""
        metadata: {name: {{name}}}
        spec:
          type: {{type.Split('/')[0]}}
          version: {{type.Split('/')[1]}}
          metadata: [{{metadata}}]
        scopes: [{{string.Join(", ", scopes)}}]
        {{(store is null ? "" : $"auth: {{secretStore: {store}}}")}}
        """,
        name).Single();
}
