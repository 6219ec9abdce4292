using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Sidecar.Api.Tests;
using TestKit;

namespace Sidecar.Runtime.Tests;

/// <summary>Locks, configuration, metadata, secrets, output bindings and state over the HTTP API with the components of the local set.</summary>
public sealed class BlockTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly TestRun _run = new TestRun()
        .Component("locks", "lock.tandem").Component("settings", "configuration.tandem", "file=settings.json").Component("vault", "secretstores.local.file", "secretsFile=secrets.json")
        .Component("objects", "bindings.localstorage", "rootPath=objects").Component("files", "state.tandem").Component("memory", "state.in-memory")
        .Yaml("settings.json", """{"colour":"red","size":{"value":"10","version":"v7"}}""").Yaml("secrets.json", """{"password":"hunter2"}""");

    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("a", _ => { });
        await _run.AppAsync("b");
        await _run.StartAsync(_clock);
        _http = _run.Client();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _run.DisposeAsync();
    }

    private async Task<bool> LockAsync(string owner, HttpClient? http = null) => (await (http ?? _http)
        .PostAsJsonAsync("/v1.0-alpha1/lock/locks", new { resourceId = "r", lockOwner = owner, expiryInSeconds = 10 }).JsonAsync()).GetProperty("success").GetBoolean();

    private async Task<int> UnlockAsync(string owner) => (await _http
        .PostAsJsonAsync("/v1.0-alpha1/unlock/locks", new { resourceId = "r", lockOwner = owner }).JsonAsync()).GetProperty("status").GetInt32();

    private Task<HttpResponseMessage> ObjectAsync(string operation, string fileName, object? data = null) =>
        _http.PostAsJsonAsync("/v1.0/bindings/objects", new { operation, data, metadata = new { fileName } });

    [Fact]
    public async Task A_lock_is_its_owners_until_it_is_given_back_or_expires()
    {
        Assert.Equal(1, await UnlockAsync("one"));
        Assert.True(await LockAsync("one"));
        Assert.False(await LockAsync("two"));
        Assert.Equal(2, await UnlockAsync("two"));
        Assert.Equal(0, await UnlockAsync("one"));
        Assert.True(await LockAsync("two"));

        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.True(await LockAsync("one"));
    }

    [Fact]
    public async Task Locks_of_different_apps_do_not_meet()
    {
        using var other = _run.Client(1);

        Assert.True(await LockAsync("one"));
        Assert.True(await LockAsync("one", other));
    }

    [Fact]
    public async Task Lock_requests_that_make_no_sense_are_refused()
    {
        Assert.Equal((400, "ERR_MALFORMED_REQUEST"), await _http.PostAsJsonAsync(
            "/v1.0-alpha1/lock/locks", new { resourceId = "r", lockOwner = "o", expiryInSeconds = 0 }).ErrorAsync());
        Assert.Equal((400, "ERR_MALFORMED_REQUEST"), await _http.PostAsJsonAsync("/v1.0-alpha1/unlock/locks", new { resourceId = "r" }).ErrorAsync());
        Assert.Equal((400, "ERR_LOCK_STORE_NOT_FOUND"), await _http.PostAsJsonAsync("/v1.0-alpha1/lock/nowhere", new { }).ErrorAsync());
    }

    [Fact]
    public async Task Configuration_items_have_values_and_versions()
    {
        var all = await _http.GetAsync("/v1.0/configuration/settings").JsonAsync();
        Assert.Equal("red", all.GetProperty("colour").GetProperty("value").GetString());
        Assert.Equal("v7", all.GetProperty("size").GetProperty("version").GetString());

        var one = await _http.GetAsync("/v1.0/configuration/settings?key=size&key=unknown").JsonAsync();
        Assert.Equal("size", Assert.Single(one.EnumerateObject()).Name);
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync("/v1.0/configuration/settings?key=unknown")).StatusCode);
        Assert.Equal((400, "ERR_CONFIGURATION_STORE_NOT_FOUND"), await _http.GetAsync("/v1.0/configuration/nowhere").ErrorAsync());
    }

    [Fact]
    public async Task Metadata_names_the_app_its_components_and_what_it_has_added()
    {
        Assert.Equal(HttpStatusCode.NoContent, (await _http.PutAsync("/v1.0/metadata/release", new StringContent("blue"))).StatusCode);

        var metadata = await _http.GetAsync("/v1.0/metadata").JsonAsync();

        Assert.Equal("a", metadata.GetProperty("id").GetString());
        Assert.Equal("blue", metadata.GetProperty("extended").GetProperty("release").GetString());
        Assert.Equal(_run.Sidecar.Instances[0].AppPort, metadata.GetProperty("appConnectionProperties").GetProperty("port").GetInt32());
        Assert.Equal(
            ["files", "locks", "memory", "objects", "settings", "vault"],
            metadata.GetProperty("components").EnumerateArray().Select(component => component.GetProperty("name").GetString()!));
        var store = metadata.GetProperty("components")[0];
        Assert.Equal(("state.tandem", "v1"), (store.GetProperty("type").GetString(), store.GetProperty("version").GetString()));
        Assert.Contains("ETAG", store.GetProperty("capabilities").EnumerateArray().Select(capability => capability.GetString()));
    }

    [Fact]
    public async Task Secrets_come_singly_and_all_together()
    {
        Assert.Equal("""{"password":"hunter2"}""", await _http.GetStringAsync("/v1.0/secrets/vault/password"));
        Assert.Equal("""{"password":{"password":"hunter2"}}""", await _http.GetStringAsync("/v1.0/secrets/vault/bulk"));
        Assert.Equal((500, "ERR_SECRET_GET"), await _http.GetAsync("/v1.0/secrets/vault/unknown").ErrorAsync());
        Assert.Equal((401, "ERR_SECRET_STORE_NOT_FOUND"), await _http.GetAsync("/v1.0/secrets/nowhere/password").ErrorAsync());
    }

    [Fact]
    public async Task Objects_are_stored_read_listed_and_deleted()
    {
        (await ObjectAsync("create", "d/f", Convert.ToBase64String(Encoding.UTF8.GetBytes("bytes")))).EnsureSuccessStatusCode();

        var read = await ObjectAsync("get", "d/f");
        Assert.Equal(("application/octet-stream", "bytes"), (read.Content.Headers.ContentType?.MediaType, await read.Content.ReadAsStringAsync()));
        Assert.EndsWith("/d/f", Assert.Single((await ObjectAsync("list", "d").JsonAsync()).EnumerateArray()).GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, (await ObjectAsync("delete", "d/f")).StatusCode);
        Assert.Equal((500, "ERR_INVOKE_OUTPUT_BINDING"), await ObjectAsync("get", "d/f").ErrorAsync());
        Assert.Equal((500, "ERR_INVOKE_OUTPUT_BINDING"), await ObjectAsync("exec", "d/f").ErrorAsync());
    }

    [Theory]
    [InlineData("files")]
    [InlineData("memory")]
    public async Task A_value_is_gone_after_its_time_to_live(string store)
    {
        Task<HttpResponseMessage> SaveAsync(string key, string ttlInSeconds) =>
            _http.PostAsJsonAsync($"/v1.0/state/{store}", new[] { new { key, value = 1, metadata = new { ttlInSeconds } } });

        await SaveAsync("short", "10");
        await SaveAsync("kept", "10");
        await SaveAsync("kept", "-1");

        using (var response = await _http.GetAsync($"/v1.0/state/{store}/short"))
        {
            Assert.Equal("2026-01-01T00:00:10Z", Assert.Single(response.Headers.GetValues("metadata.ttlExpireTime")));
        }

        _clock.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync($"/v1.0/state/{store}/short")).StatusCode);
        Assert.Equal("1", await _http.GetStringAsync($"/v1.0/state/{store}/kept"));
        Assert.Equal((400, "ERR_MALFORMED_REQUEST"), await SaveAsync("k", "soon").ErrorAsync());
    }

    [Theory]
    [InlineData("files")]
    [InlineData("memory")]
    public async Task A_transaction_takes_effect_as_a_whole(string store)
    {
        await _http.PostAsJsonAsync($"/v1.0/state/{store}", new[] { new { key = "old", value = 1 } });
        Task<HttpResponseMessage> MoveAsync(string? etag) => _http.PostAsJsonAsync($"/v1.0/state/{store}/transaction", new
        {
            operations = new object[]
            {
                new { operation = "upsert", request = new { key = "new", value = 2 } },
                new { operation = "delete", request = new { key = "old", etag } },
            },
        });

        Assert.Equal(HttpStatusCode.InternalServerError, (await MoveAsync("999999")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync($"/v1.0/state/{store}/new")).StatusCode);

        Assert.Equal(HttpStatusCode.NoContent, (await MoveAsync(null)).StatusCode);
        Assert.Equal("2", await _http.GetStringAsync($"/v1.0/state/{store}/new"));
        Assert.Equal(HttpStatusCode.NoContent, (await _http.GetAsync($"/v1.0/state/{store}/old")).StatusCode);
    }
}
