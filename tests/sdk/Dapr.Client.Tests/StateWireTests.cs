namespace Dapr.Client.Tests;

public sealed class StateWireTests : IAsyncLifetime
{
    private static readonly StateOptions Careful = new() { Concurrency = ConcurrencyMode.FirstWrite, Consistency = ConsistencyMode.Strong };
    private static readonly Dictionary<string, string> Ttl = new() { ["ttlInSeconds"] = "60" };

    private RecordingSidecar _sidecar = null!;
    private DaprClient _dapr = null!;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await RecordingSidecar.StartAsync();
        _dapr = _sidecar.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _dapr.Dispose();
        await _sidecar.DisposeAsync();
    }

    private sealed record Order(string Id, int Qty);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Get_returns_value_and_etag()
    {
        _sidecar.Answers(200, """{"id":"a","qty":2}""", etag: "7");

        var (value, etag) = await _dapr.GetStateAndETagAsync<Order>("store", "k", ConsistencyMode.Strong, Ttl, Cancellation);

        Assert.Equal(new Order("a", 2), value);
        Assert.Equal("7", etag);
        Assert.Equal(("GET", "/v1.0/state/store/k?metadata.ttlInSeconds=60&consistency=strong"), (_sidecar.Request.Method, _sidecar.Request.Target));
    }

    [Fact]
    public async Task Get_of_an_absent_key_returns_the_default()
    {
        Assert.Equal((null, ""), await _dapr.GetStateAndETagAsync<Order?>("store", "k", cancellationToken: Cancellation));
        Assert.Equal(0, await _dapr.GetStateAsync<int>("store", "k", cancellationToken: Cancellation));
    }

    [Theory]
    [InlineData("job/1/events", "job%2F1%2Fevents")]
    [InlineData("a b?c=d&e#f", "a%20b%3Fc%3Dd%26e%23f")]
    [InlineData("100%", "100%25")]
    [InlineData("사과", "%EC%82%AC%EA%B3%BC")]
    [InlineData("a/../b", "a%2F..%2Fb")]
    public async Task Keys_are_one_segment_of_the_path(string key, string segment)
    {
        await _dapr.GetStateAsync<string>("store", key, cancellationToken: Cancellation);
        await _dapr.DeleteStateAsync("store", key, cancellationToken: Cancellation);

        Assert.Equal([("GET", $"/v1.0/state/store/{segment}"), ("DELETE", $"/v1.0/state/store/{segment}")], _sidecar.Requests.Select(r => (r.Method, r.Target)));
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("")]
    public async Task Keys_that_are_no_segment_are_refused(string key)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _dapr.GetStateAsync<string>("store", key, cancellationToken: Cancellation));
        Assert.Empty(_sidecar.Requests);
    }

    [Fact]
    public async Task Save_sends_one_item()
    {
        await _dapr.SaveStateAsync("store", "k/1", new Order("a", 2), Careful, Ttl, Cancellation);

        Assert.Equal(("POST", "/v1.0/state/store"), (_sidecar.Request.Method, _sidecar.Request.Target));
        Assert.Equal("application/json", _sidecar.Request.Headers["Content-Type"]);
        Assert.Equal(
            """[{"key":"k/1","metadata":{"ttlInSeconds":"60"},"options":{"concurrency":"first-write","consistency":"strong"},"value":{"id":"a","qty":2}}]""",
            _sidecar.Request.Body);
    }

    [Fact]
    public async Task Save_of_many_sends_all_items()
    {
        await _dapr.SaveBulkStateAsync<int>("store", [new("a", 1, null!), new("b", 2, "5", new StateOptions { Concurrency = ConcurrencyMode.LastWrite })], Cancellation);

        Assert.Equal("""[{"key":"a","value":1},{"key":"b","etag":"5","options":{"concurrency":"last-write"},"value":2}]""", _sidecar.Request.Body);
    }

    [Fact]
    public async Task Conditional_writes_tell_a_conflict_from_success()
    {
        Assert.True(await _dapr.TrySaveStateAsync("store", "k", 1, "7", cancellationToken: Cancellation));
        Assert.True(await _dapr.TryDeleteStateAsync("store", "k", "7", Careful, Ttl, Cancellation));
        _sidecar.Answers(409, """{"errorCode":"ERR_STATE_SAVE","message":"etag mismatch"}""");
        Assert.False(await _dapr.TrySaveStateAsync("store", "k", 1, "7", cancellationToken: Cancellation));
        Assert.False(await _dapr.TryDeleteStateAsync("store", "k", "7", cancellationToken: Cancellation));

        var requests = _sidecar.Requests.ToArray();
        Assert.Equal("""[{"key":"k","etag":"7","value":1}]""", requests[0].Body);
        Assert.Equal(("/v1.0/state/store/k?metadata.ttlInSeconds=60&concurrency=first-write", "7"), (requests[1].Target, requests[1].Headers["If-Match"]));
    }

    [Fact]
    public async Task Other_failures_of_conditional_writes_throw()
    {
        _sidecar.Answers(400, """{"errorCode":"ERR_STATE_SAVE","message":"bad etag"}""");

        var exception = await Assert.ThrowsAsync<DaprException>(() => _dapr.TrySaveStateAsync("store", "k", 1, "x", cancellationToken: Cancellation));

        Assert.Equal("ERR_STATE_SAVE: bad etag (400)", exception.Message);
    }

    [Fact]
    public async Task Bulk_get_returns_values_and_absent_keys()
    {
        _sidecar.Answers(200, """[{"key":"a","data":{"id":"a","qty":1},"etag":"3"},{"key":"b"}]""");

        var typed = await _dapr.GetBulkStateAsync<Order?>("store", ["a", "b"], 4, Ttl, Cancellation);
        var text = await _dapr.GetBulkStateAsync("store", ["a", "b"], null, cancellationToken: Cancellation);

        Assert.Equal([("a", new Order("a", 1), "3"), ("b", null, "")], typed.Select(item => (item.Key, item.Value, item.ETag)));
        Assert.Equal([("a", """{"id":"a","qty":1}""", "3"), ("b", "", "")], text.Select(item => (item.Key, item.Value, item.ETag)));
        Assert.Equal(
            ["""{"keys":["a","b"],"parallelism":4,"metadata":{"ttlInSeconds":"60"}}""", """{"keys":["a","b"],"parallelism":0}"""],
            _sidecar.Requests.Select(request => request.Body));
        Assert.All(_sidecar.Requests, request => Assert.Equal("/v1.0/state/store/bulk", request.Target));
        await Assert.ThrowsAsync<ArgumentException>(() => _dapr.GetBulkStateAsync("store", [], null, cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Bulk_get_fails_when_a_key_cannot_be_read()
    {
        _sidecar.Answers(200, """[{"key":"a","data":1,"etag":"3"},{"key":"b","error":"the disk is away"}]""");

        var exception = await Assert.ThrowsAsync<DaprException>(() => _dapr.GetBulkStateAsync<int>("store", ["a", "b"], null, cancellationToken: Cancellation));

        Assert.Equal("The value of key 'b' could not be read: the disk is away", exception.Message);
    }

    [Fact]
    public async Task Bulk_delete_deletes_each()
    {
        await _dapr.DeleteBulkStateAsync("store", [new("a", ""), new("b", "9")], Cancellation);

        Assert.Equal(["/v1.0/state/store/a", "/v1.0/state/store/b"], _sidecar.Requests.Select(request => request.Target));
        Assert.Equal([null, "9"], _sidecar.Requests.Select(request => request.Headers.GetValueOrDefault("If-Match")));
    }

    [Fact]
    public async Task Transaction_sends_all_operations()
    {
        await _dapr.ExecuteStateTransactionAsync(
            "store",
            [
                new StateTransactionRequest("a", "{\"x\":1}"u8.ToArray(), StateOperationType.Upsert, "4", Ttl, Careful),
                new StateTransactionRequest("b", null, StateOperationType.Delete),
            ],
            new Dictionary<string, string> { ["partitionKey"] = "p" }, Cancellation);

        Assert.Equal(("POST", "/v1.0/state/store/transaction"), (_sidecar.Request.Method, _sidecar.Request.Target));
        Assert.Equal(
            """{"operations":[{"operation":"upsert","request":{"key":"a","etag":"4","metadata":{"ttlInSeconds":"60"},"options":{"concurrency":"first-write","consistency":"strong"},"value":{"x":1}}},{"operation":"delete","request":{"key":"b"}}],"metadata":{"partitionKey":"p"}}""",
            _sidecar.Request.Body);
    }

    [Fact]
    public async Task A_transaction_value_that_is_not_JSON_is_refused()
    {
        await Assert.ThrowsAsync<DaprException>(() => _dapr.ExecuteStateTransactionAsync(
            "store", [new StateTransactionRequest("a", "not json"u8.ToArray(), StateOperationType.Upsert)], cancellationToken: Cancellation));
        Assert.Empty(_sidecar.Requests);
    }

    [Fact]
    public async Task Stored_values_that_do_not_fit_the_type_are_failures()
    {
        _sidecar.Answers(200, "plain text");
        await Assert.ThrowsAsync<DaprException>(() => _dapr.GetStateAsync<Order>("store", "k", cancellationToken: Cancellation));
        await Assert.ThrowsAsync<DaprException>(() => _dapr.GetBulkStateAsync("store", ["k"], null, cancellationToken: Cancellation));

        _sidecar.Answers(200, """[{"key":"k","data":"text"}]""");
        await Assert.ThrowsAsync<DaprException>(() => _dapr.GetBulkStateAsync<Order>("store", ["k"], null, cancellationToken: Cancellation));
    }
}
