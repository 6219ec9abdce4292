using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Api.Tests;

public sealed class StateApiTests : IAsyncLifetime
{
    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory");
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("a");
        await _run.AppAsync("b");
        await _run.StartAsync();
        _http = _run.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _run.DisposeAsync();
    }

    private Task<HttpResponseMessage> SaveAsync(object item) => _http.PostAsJsonAsync("/v1.0/state/store", new[] { item });

    private static async Task<string> CodeAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errorCode").GetString()!;

    [Fact]
    public async Task Returns_what_was_saved_with_an_etag()
    {
        Assert.Equal(HttpStatusCode.NoContent, (await SaveAsync(new { key = "k", value = new { n = 1 } })).StatusCode);

        var response = await _http.GetAsync("/v1.0/state/store/k?");

        Assert.Equal("""{"n":1}""", await response.Content.ReadAsStringAsync());
        Assert.NotEmpty(response.Headers.GetValues("ETag"));
    }

    [Fact]
    public async Task Keys_may_contain_slashes()
    {
        await SaveAsync(new { key = "a/b c", value = 5 });

        await SaveAsync(new { key = "a%2Fb c", value = 6 });

        Assert.Equal("5", await _http.GetStringAsync("/v1.0/state/store/a%2Fb%20c"));
        Assert.Equal("6", await _http.GetStringAsync("/v1.0/state/store/a%252Fb%20c"));
    }

    [Fact]
    public async Task Answers_204_for_an_absent_key() => Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync("/v1.0/state/store/none")).StatusCode);

    [Fact]
    public async Task Keeps_the_apps_apart()
    {
        await SaveAsync(new { key = "mine", value = 1 });
        using var other = _run.Client(1);

        Assert.Equal(HttpStatusCode.NoContent, (await other.GetAsync("/v1.0/state/store/mine")).StatusCode);
    }

    [Fact]
    public async Task Refuses_a_stale_etag_with_409()
    {
        await SaveAsync(new { key = "e", value = 1 });
        var etag = (await _http.GetAsync("/v1.0/state/store/e")).Headers.GetValues("ETag").Single();
        Assert.Equal(HttpStatusCode.NoContent, (await SaveAsync(new { key = "e", value = 2, etag })).StatusCode);

        var stale = await SaveAsync(new { key = "e", value = 3, etag });

        Assert.Equal(HttpStatusCode.Conflict, stale.StatusCode);
        Assert.Equal("ERR_STATE_SAVE", await CodeAsync(stale));
    }

    [Fact]
    public async Task First_write_wins()
    {
        var options = new { concurrency = "first-write" };
        Assert.Equal(HttpStatusCode.NoContent, (await SaveAsync(new { key = "f", value = 1, options })).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await SaveAsync(new { key = "f", value = 2, options })).StatusCode);
        // What a client that read "there is nothing" sends: an empty etag is no etag.
        Assert.Equal(HttpStatusCode.Conflict, (await SaveAsync(new { key = "f", value = 3, etag = "", options })).StatusCode);
    }

    [Fact]
    public async Task A_transaction_is_all_or_nothing_and_fails_with_500()
    {
        await SaveAsync(new { key = "t1", value = 1 });
        var response = await _http.PostAsJsonAsync("/v1.0/state/store/transaction", new
        {
            operations = new object[]
            {
                new { operation = "upsert", request = new { key = "t2", value = 2 } },
                new { operation = "delete", request = new { key = "t1", etag = "999999" } },
            },
        });

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("ERR_STATE_TRANSACTION", await CodeAsync(response));
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync("/v1.0/state/store/t2")).StatusCode);
    }

    [Fact]
    public async Task Bulk_get_answers_in_order_with_missing_keys_bare()
    {
        await SaveAsync(new { key = "b1", value = "x" });
        var items = await (await _http.PostAsJsonAsync("/v1.0/state/store/bulk", new { keys = new[] { "nope", "b1" } })).Content.ReadFromJsonAsync<JsonElement>();

        Assert.False(items[0].TryGetProperty("data", out _));
        Assert.Equal("x", items[1].GetProperty("data").GetString());
    }

    [Theory]
    [InlineData("/v1.0/state/nope/k", HttpStatusCode.BadRequest, "ERR_STATE_STORE_NOT_FOUND")]
    [InlineData("/v1.0/state/store/a%7C%7Cb", HttpStatusCode.BadRequest, "ERR_MALFORMED_REQUEST")]
    public async Task Errors_carry_daprs_codes(string path, HttpStatusCode status, string code)
    {
        var response = await _http.GetAsync(path);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, await CodeAsync(response));
    }

    [Fact]
    public async Task Bodies_that_are_no_json_are_malformed_and_large_ones_refused()
    {
        Assert.Equal("ERR_MALFORMED_REQUEST", await CodeAsync(await _http.PostAsync("/v1.0/state/store", new StringContent("nonsense"))));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _http.PostAsync("/v1.0/state/store", new ByteArrayContent(new byte[5 * 1024 * 1024]))).StatusCode);
    }

    [Fact]
    public async Task Queries_are_not_supported_and_say_so() => Assert.Equal(
        "ERR_STATE_STORE_NOT_SUPPORTED", await CodeAsync(await _http.PostAsJsonAsync("/v1.0-alpha1/state/store/query", new { })));

    [Fact]
    public async Task Values_are_stored_as_they_were_sent()
    {
        const string Value = """{ "text": "병 <b>&'", "n": 1.0 }""";

        await _http.PostAsync("/v1.0/state/store", new StringContent($$"""[{"key":"k","value":{{Value}}}]"""));

        Assert.Equal(Value, await _http.GetStringAsync("/v1.0/state/store/k"));
    }

    [Theory]
    [InlineData("bulk", """{"keys":[1]}""")]
    [InlineData("", """[{"key":"k","value":1,"metadata":{"ttlInSeconds":"999999999999"}}]""")]
    public async Task What_the_caller_got_wrong_is_no_error_of_the_sidecar(string path, string body)
    {
        var response = await _http.PostAsync($"/v1.0/state/store/{path}".TrimEnd('/'), new StringContent(body));

        Assert.Equal((HttpStatusCode.BadRequest, "ERR_MALFORMED_REQUEST"), (response.StatusCode, await CodeAsync(response)));
    }

    [Fact]
    public async Task Items_of_one_save_are_written_at_a_time()
    {
        var writes = 0;
        var all = new TaskCompletionSource();
        await using var run = new TestRun { Types = types => types.Add("state.meeting", _ => new MeetingStore(() =>
        {
            if (Interlocked.Increment(ref writes) == 3)
            {
                all.TrySetResult();
            }

            return all.Task;
        })) };
        run.Component("store", "state.meeting");
        await run.AppAsync("a");
        await run.StartAsync();
        using var http = run.Client();

        var saved = await http.PostAsJsonAsync("/v1.0/state/store", Enumerable.Range(0, 3).Select(n => new { key = $"k{n}", value = n }));

        Assert.Equal(HttpStatusCode.NoContent, saved.StatusCode);
    }

    /// <summary>A store whose writes last as long as the test wants.</summary>
    private sealed class MeetingStore(Func<Task> write) : IStateStore
    {
        public StateFeatures Features => StateFeatures.None;

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask<StateItem?> GetAsync(string key, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<StateItem?>> GetManyAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => throw new NotSupportedException();

        public async ValueTask WriteAsync(StateWrite request, CancellationToken cancellationToken) => await write();

        public ValueTask TransactAsync(IReadOnlyList<StateWrite> writes, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
