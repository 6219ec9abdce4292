using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Dapr.Client.Tests;

/// <summary>Publishing, bindings, secrets, locks, metadata and health as requests.</summary>
public sealed class WireTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> Metadata = new() { ["ttlInSeconds"] = "60", ["a&b"] = "c d" };

    private RecordingSidecar _sidecar = null!;
    private DaprClient _dapr = null!;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await RecordingSidecar.StartAsync();
        _dapr = _sidecar.Client(token: "secret-token");
    }

    public async ValueTask DisposeAsync()
    {
        _dapr.Dispose();
        await _sidecar.DisposeAsync();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Publish_sends_JSON_token_and_product()
    {
        await _dapr.PublishEventAsync("bus", "orders/new", new { Id = "a", Qty = 2 }, Metadata, Cancellation);

        var request = _sidecar.Request;
        Assert.Equal(("POST", "/v1.0/publish/bus/orders%2Fnew?metadata.ttlInSeconds=60&metadata.a%26b=c%20d"), (request.Method, request.Target));
        Assert.Equal("""{"id":"a","qty":2}""", request.Body);
        Assert.Equal(("application/json", "secret-token"), (request.Headers["Content-Type"], request.Headers["dapr-api-token"]));
        Assert.StartsWith("dapr-sdk-dotnet/v", request.Headers["User-Agent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Publish_without_data_sends_an_empty_body()
    {
        await _dapr.PublishEventAsync("bus", "orders", Cancellation);

        Assert.Empty(_sidecar.Request.Bytes);
        Assert.Equal("", _sidecar.Request.Headers.GetValueOrDefault("Content-Type", ""));
    }

    [Fact]
    public async Task Publish_of_bytes_keeps_bytes_and_content_type()
    {
        await _dapr.PublishByteEventAsync("bus", "pictures", new byte[] { 0, 255, 7 }, "image/png", cancellationToken: Cancellation);

        Assert.Equal([0, 255, 7], _sidecar.Request.Bytes);
        Assert.Equal("image/png", _sidecar.Request.Headers["Content-Type"]);
    }

    [Fact]
    public async Task Bulk_publish_names_the_entries_that_failed()
    {
        _sidecar.Answers(500, """{"failedEntries":[{"entryId":"1","error":"full"}],"errorCode":"ERR_PUBSUB_PUBLISH_MESSAGE"}""");

        var result = await _dapr.BulkPublishEventAsync("bus", "orders", ["x", "y", "z"], new() { ["rawPayload"] = "true" }, Cancellation);

        var failed = Assert.Single(result.FailedEntries);
        Assert.Equal(("y", "1", "full"), (failed.Entry.EventData, failed.Entry.EntryId, failed.ErrorMessage));
        Assert.Equal("/v1.0/publish/bulk/bus/orders?metadata.rawPayload=true", _sidecar.Request.Target);
        Assert.Equal(
            """[{"entryId":"0","contentType":"application/json","event":"x"},{"entryId":"1","contentType":"application/json","event":"y"},{"entryId":"2","contentType":"application/json","event":"z"}]""",
            _sidecar.Request.Body);
    }

    [Fact]
    public async Task Bulk_publish_of_bytes_is_base64_of_octets()
    {
        var result = await _dapr.BulkPublishEventAsync<byte[]>("bus", "orders", [[1, 2, 3]], cancellationToken: Cancellation);

        Assert.Empty(result.FailedEntries);
        Assert.Equal("""[{"entryId":"0","contentType":"application/octet-stream","event":"AQID"}]""", _sidecar.Request.Body);
    }

    [Fact]
    public async Task Bulk_publish_that_fails_as_a_whole_throws()
    {
        _sidecar.Answers(400, """{"errorCode":"ERR_PUBSUB_NOT_FOUND","message":"no bus"}""");

        var exception = await Assert.ThrowsAsync<DaprException>(() => _dapr.BulkPublishEventAsync("bus", "orders", [1], cancellationToken: Cancellation));

        Assert.Equal("ERR_PUBSUB_NOT_FOUND: no bus (400)", exception.Message);
    }

    [Fact]
    public async Task Bindings_carry_JSON_in_and_bytes_out()
    {
        _sidecar.Answer = async http =>
        {
            http.Response.Headers["metadata.fileName"] = "a.bin";
            await http.Response.Body.WriteAsync(new byte[] { 9, 0, 8 });
        };

        var response = await _dapr.InvokeBindingAsync(
            new BindingRequest("objects", "get") { Data = "{\"x\":1}"u8.ToArray(), Metadata = { ["fileName"] = "a.bin" } }, Cancellation);

        Assert.Equal([9, 0, 8], response.Data.ToArray());
        Assert.Equal("a.bin", response.Metadata["fileName"]);
        Assert.Equal(("POST", "/v1.0/bindings/objects"), (_sidecar.Request.Method, _sidecar.Request.Target));
        Assert.Equal("""{"operation":"get","data":{"x":1},"metadata":{"fileName":"a.bin"}}""", _sidecar.Request.Body);
    }

    [Fact]
    public async Task Bindings_serialize_requests_and_answers()
    {
        _sidecar.Answers(200, "[1,2]");

        var answer = await _dapr.InvokeBindingAsync<object, int[]>("objects", "list", new { Prefix = "a" }, cancellationToken: Cancellation);

        Assert.Equal([1, 2], answer);
        Assert.Equal("""{"operation":"list","data":{"prefix":"a"}}""", _sidecar.Request.Body);
        await Assert.ThrowsAsync<DaprException>(() => _dapr.InvokeBindingAsync(
            new BindingRequest("objects", "create") { Data = new byte[] { 255, 216, 255 } }, Cancellation));
    }

    [Fact]
    public async Task Secrets_come_by_key_or_all()
    {
        _sidecar.Answers(200, """{"db":"pw"}""");
        Assert.Equal("pw", (await _dapr.GetSecretAsync("vault", "db/main", cancellationToken: Cancellation))["db"]);

        _sidecar.Answers(200, """{"db":{"user":"u"}}""");
        Assert.Equal("u", (await _dapr.GetBulkSecretAsync("vault", Metadata, Cancellation))["db"]["user"]);

        Assert.Equal(
            ["/v1.0/secrets/vault/db%2Fmain", "/v1.0/secrets/vault/bulk?metadata.ttlInSeconds=60&metadata.a%26b=c%20d"],
            _sidecar.Requests.Select(request => request.Target));
    }

    [Fact]
    public async Task Locks_are_given_back_when_disposed()
    {
#pragma warning disable DAPR_DISTRIBUTEDLOCK // What is tested.
        _sidecar.Answers(200, """{"success":true}""");
        await using (var held = await _dapr.Lock("lock", "r", "me", 30, Cancellation))
        {
            Assert.True(held.Success);
        }

        _sidecar.Answers(200, """{"success":false}""");
        await using (var refused = await _dapr.Lock("lock", "r", "me", 30, Cancellation))
        {
            Assert.False(refused.Success);
        }

        _sidecar.Answers(200, """{"status":2}""");
        Assert.Equal(LockStatus.LockBelongsToOthers, (await _dapr.Unlock("lock", "r", "me", Cancellation)).status);
#pragma warning restore DAPR_DISTRIBUTEDLOCK

        Assert.Equal(
            [
                ("/v1.0-alpha1/lock/lock", """{"resourceId":"r","lockOwner":"me","expiryInSeconds":30}"""),
                ("/v1.0-alpha1/unlock/lock", """{"resourceId":"r","lockOwner":"me"}"""),
                ("/v1.0-alpha1/lock/lock", """{"resourceId":"r","lockOwner":"me","expiryInSeconds":30}"""),
                ("/v1.0-alpha1/unlock/lock", """{"resourceId":"r","lockOwner":"me"}"""),
            ],
            _sidecar.Requests.Select(request => (request.Target, request.Body)));
    }

    [Fact]
    public async Task Metadata_is_read_and_set()
    {
        _sidecar.Answers(200, """{"id":"scan","runtimeVersion":"1","extended":{"k":"v"},"components":[{"name":"bus","type":"pubsub.in-memory","version":"v1","capabilities":["X"]}]}""");

        var metadata = await _dapr.GetMetadataAsync(Cancellation);
        _sidecar.Answers(204);
        await _dapr.SetMetadataAsync("k", "v2", Cancellation);

        Assert.Equal(("scan", "v"), (metadata.Id, metadata.Extended["k"]));
        var component = Assert.Single(metadata.Components);
        Assert.Equal(("bus", "pubsub.in-memory", "v1", "X"), (component.Name, component.Type, component.Version, component.Capabilities[0]));
        Assert.Equal([("GET", "/v1.0/metadata", ""), ("PUT", "/v1.0/metadata/k", "v2")], _sidecar.Requests.Select(r => (r.Method, r.Target, r.Body)));
    }

    [Fact]
    public async Task Health_follows_the_status()
    {
        Assert.True(await _dapr.CheckHealthAsync(Cancellation));
        Assert.True(await _dapr.CheckOutboundHealthAsync(Cancellation));
        await _dapr.WaitForSidecarAsync(Cancellation);
        _sidecar.Answers(500);
        Assert.False(await _dapr.CheckHealthAsync(Cancellation));

        Assert.Equal(
            ["/v1.0/healthz", "/v1.0/healthz/outbound", "/v1.0/healthz/outbound", "/v1.0/healthz"], _sidecar.Requests.Select(request => request.Target));
    }

    [Fact]
    public async Task Nothing_listening_is_not_healthy()
    {
        using var nobody = RecordingSidecar.Refusing();
        using var dapr = new DaprClientBuilder().UseHttpEndpoint($"http://{nobody.LocalEndPoint}").Build();

        Assert.False(await dapr.CheckHealthAsync(Cancellation));
    }

    [Theory]
    [InlineData(401, "text/plain", "who are you", "The sidecar answered 401: who are you")]
    [InlineData(500, "application/json", "[]", "The sidecar answered 500: []")]
    [InlineData(404, "application/json", """{"errorCode":"ERR_X","message":"gone"}""", "ERR_X: gone (404)")]
    public async Task Failures_carry_what_the_sidecar_says(int status, string type, string body, string message)
    {
        _sidecar.Answers(status, body, contentType: type);

        var exception = await Assert.ThrowsAsync<DaprException>(() => _dapr.PublishEventAsync("bus", "t", 1, Cancellation));

        Assert.Equal(message, exception.Message);
    }

    [Fact]
    public async Task Secrets_that_are_not_JSON_are_failures()
    {
        _sidecar.Answers(200, "<html>");

        await Assert.ThrowsAsync<DaprException>(() => _dapr.GetSecretAsync("vault", "k", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Serializer_options_are_used()
    {
        using var dapr = new DaprClientBuilder().UseHttpEndpoint(_sidecar.Address)
            .UseJsonSerializationOptions(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower }).Build();

        await dapr.PublishEventAsync("bus", "t", new { UserId = 1 }, Cancellation);

        Assert.Equal("""{"user_id":1}""", Encoding.UTF8.GetString(_sidecar.Request.Bytes));
    }
}
