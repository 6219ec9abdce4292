using System.Text.Json;
using Dapr.Actors.Client;
using Dapr.Actors.Communication;
using Dapr.Actors.Runtime;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Http;

namespace Dapr.Actors.Tests;

/// <summary>The rules of an actor's state (dapr-sdk §6.2).</summary>
public sealed class StateTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_are_saved_in_one_transaction()
    {
        await using var sidecar = await StartAsync(new() { ["x"] = "1" });
        var state = Create(sidecar);

        await state.SetStateAsync("n", 3, TimeSpan.FromSeconds(5), Cancellation);
        await state.RemoveStateAsync("x", Cancellation);
        await state.AddStateAsync("o", new Order { Id = "7" }, Cancellation);
        await state.SaveStateAsync(Cancellation);

        var save = Assert.Single(sidecar.Requests, request => request.Method == "PUT");
        Assert.Equal(
            ("/v1.0/actors/plain/7/state", "text/plain; charset=utf-8",
            """[{"operation":"upsert","request":{"key":"n","value":3,"metadata":{"ttlInSeconds":"5"}}},{"operation":"upsert","request":{"key":"o","value":{"id":"7","items":[]}}},{"operation":"delete","request":{"key":"x"}}]"""),
            (save.Target, save.Headers["Content-Type"], save.Body));
    }

    [Fact]
    public async Task What_has_not_changed_is_not_saved_and_not_read_again()
    {
        await using var sidecar = await StartAsync(new() { ["n"] = "1" });
        var state = Create(sidecar);

        Assert.Equal(1, await state.GetStateAsync<int>("n", Cancellation));
        Assert.Equal(1, await state.GetStateAsync<int>("n", Cancellation));
        await state.SaveStateAsync(Cancellation);
        await state.SetStateAsync("n", 2, Cancellation);
        await state.SaveStateAsync(Cancellation);
        await state.SaveStateAsync(Cancellation);

        Assert.Equal(["GET", "PUT"], sidecar.Requests.Select(request => request.Method));
    }

    [Fact]
    public async Task Absent_states_are_absent()
    {
        await using var sidecar = await StartAsync([]);
        var state = Create(sidecar);

        Assert.False((await state.TryGetStateAsync<int>("n", Cancellation)).HasValue);
        Assert.False(await state.ContainsStateAsync("n", Cancellation));
        Assert.False(await state.TryRemoveStateAsync("n", Cancellation));
        await Assert.ThrowsAsync<KeyNotFoundException>(() => state.GetStateAsync<int>("n", Cancellation));
        await Assert.ThrowsAsync<KeyNotFoundException>(() => state.RemoveStateAsync("n", Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => state.GetStateAsync<int>("", Cancellation));
    }

    [Fact]
    public async Task Adding_needs_an_absent_state()
    {
        await using var sidecar = await StartAsync(new() { ["n"] = "1" });
        var state = Create(sidecar);

        Assert.False(await state.TryAddStateAsync("n", 5, Cancellation));
        await Assert.ThrowsAsync<InvalidOperationException>(() => state.AddStateAsync("n", 5, Cancellation));
        await state.RemoveStateAsync("n", Cancellation);
        Assert.True(await state.TryAddStateAsync("n", 5, Cancellation));
        await state.SaveStateAsync(Cancellation);

        Assert.Equal("""[{"operation":"upsert","request":{"key":"n","value":5}}]""", Saved(sidecar));
    }

    [Fact]
    public async Task What_was_added_and_removed_was_never_there()
    {
        await using var sidecar = await StartAsync([]);
        var state = Create(sidecar);

        await state.AddStateAsync("n", 5, Cancellation);
        Assert.True(await state.TryRemoveStateAsync("n", Cancellation));
        Assert.False(await state.ContainsStateAsync("n", Cancellation));
        await state.SaveStateAsync(Cancellation);

        Assert.DoesNotContain(sidecar.Requests, request => request.Method == "PUT");
    }

    [Fact]
    public async Task Values_are_added_or_made_from_what_is_there()
    {
        await using var sidecar = await StartAsync(new() { ["old"] = "1" });
        var state = Create(sidecar);

        Assert.Equal(2, await state.AddOrUpdateStateAsync("old", 9, (_, n) => n + 1, Cancellation));
        Assert.Equal(9, await state.AddOrUpdateStateAsync("new", 9, (_, n) => n + 1, Cancellation));
        Assert.Equal(10, await state.AddOrUpdateStateAsync("new", 9, (_, n) => n + 1, Cancellation));
        Assert.Equal(2, await state.GetOrAddStateAsync("old", 0, Cancellation));
        Assert.Equal(4, await state.GetOrAddStateAsync("other", 4, TimeSpan.FromHours(1), Cancellation));
        await state.SaveStateAsync(Cancellation);

        Assert.Equal(
            """[{"operation":"upsert","request":{"key":"new","value":10}},{"operation":"upsert","request":{"key":"old","value":2}},{"operation":"upsert","request":{"key":"other","value":4,"metadata":{"ttlInSeconds":"3600"}}}]""",
            Saved(sidecar));
    }

    [Fact]
    public async Task A_state_whose_time_is_over_is_gone()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = async http =>
        {
            http.Response.Headers["Metadata.ttlExpireTime"] = http.Request.Path.Value!.EndsWith("old", StringComparison.Ordinal) ? "2001-01-01T00:00:00Z" : "2101-01-01T00:00:00Z";
            await http.Response.WriteAsync("1");
        };
        var state = Create(sidecar);

        Assert.False(await state.ContainsStateAsync("old", Cancellation));
        Assert.False((await state.TryGetStateAsync<int>("old", Cancellation)).HasValue);
        Assert.Equal(1, await state.GetStateAsync<int>("young", Cancellation));
        await state.SetStateAsync("brief", 1, TimeSpan.Zero, Cancellation);
        Assert.False(await state.ContainsStateAsync("brief", Cancellation));
    }

    [Fact]
    public async Task A_new_value_without_an_end_has_none()
    {
        await using var sidecar = await StartAsync([]);
        var state = Create(sidecar);

        await state.SetStateAsync("n", 1, TimeSpan.FromHours(1), Cancellation);
        await state.SetStateAsync("n", 2, Cancellation);
        await state.SaveStateAsync(Cancellation);

        Assert.Equal("""[{"operation":"upsert","request":{"key":"n","value":2}}]""", Saved(sidecar));
    }

    [Fact]
    public async Task Null_is_a_value()
    {
        await using var sidecar = await StartAsync(new() { ["n"] = "null" });
        var state = Create(sidecar);

        Assert.True((await state.TryGetStateAsync<Order?>("n", Cancellation)).HasValue);
        Assert.Null(await state.GetStateAsync<Order?>("n", Cancellation));
    }

    [Fact]
    public async Task The_cache_forgets_on_demand()
    {
        await using var sidecar = await StartAsync(new() { ["n"] = "1" });
        var state = Create(sidecar);
        await state.SetStateAsync("n", 2, Cancellation);

        await Assert.ThrowsAsync<InvalidOperationException>(() => state.UnloadStateAsync("n", cancellationToken: Cancellation));
        await state.UnloadStateAsync("n", new UnloadStateOptions { AllowUnloadingWhenStateModified = true }, Cancellation);
        Assert.Equal(1, await state.GetStateAsync<int>("n", Cancellation));
        await state.SetStateAsync("n", 3, Cancellation);
        await state.ClearCacheAsync(Cancellation);

        Assert.Equal(1, await state.GetStateAsync<int>("n", Cancellation));
    }

    [Fact]
    public async Task What_could_not_be_saved_is_saved_the_next_time()
    {
        await using var sidecar = await StartAsync([]);
        var state = Create(sidecar);
        await state.SetStateAsync("n", 2, Cancellation);
        var answer = sidecar.Answer;
        sidecar.Answers(500, """{"errorCode":"ERR_ACTOR_STATE_TRANSACTION_SAVE","message":"x"}""");
        await Assert.ThrowsAsync<DaprApiException>(() => state.SaveStateAsync(Cancellation));

        sidecar.Answer = answer;
        await state.SaveStateAsync(Cancellation);

        Assert.Equal(2, sidecar.Requests.Count(request => request.Method == "PUT"));
    }

    [Fact]
    public async Task States_are_read_and_changed_at_the_same_time()
    {
        await using var sidecar = await StartAsync(Enumerable.Range(0, 100).ToDictionary(n => $"{n}", n => $"{n}"));
        var state = Create(sidecar);

        await Task.WhenAll(Enumerable.Range(0, 100).Select(n => state.AddOrUpdateStateAsync($"{n}", -1, (_, old) => old + 1, Cancellation)));
        await state.SaveStateAsync(Cancellation);

        var saved = JsonDocument.Parse(Saved(sidecar)).RootElement.EnumerateArray().Select(change => change.GetProperty("request").GetProperty("value").GetInt32());
        Assert.Equal(Enumerable.Range(1, 100), saved.Order());
    }

    [Fact]
    public async Task What_changes_while_it_is_saved_is_saved_again()
    {
        await using var sidecar = await StartAsync([]);
        var state = Create(sidecar);
        await state.SetStateAsync("n", 1, Cancellation);
        var answer = sidecar.Answer;
        sidecar.Answer = async http =>
        {
            if (http.Request.Method == "PUT")
            {
                sidecar.Answer = answer;
                await state.SetStateAsync("n", 2, Cancellation);
            }

            await answer(http);
        };

        await state.SaveStateAsync(Cancellation);
        await state.SaveStateAsync(Cancellation);

        Assert.Equal(
            ["""[{"operation":"upsert","request":{"key":"n","value":1}}]""", """[{"operation":"upsert","request":{"key":"n","value":2}}]"""],
            sidecar.Requests.Where(request => request.Method == "PUT").Select(request => request.Body));
    }

    [Fact]
    public async Task A_test_brings_its_own_state()
    {
        var actor = new Plain(ActorHost.CreateForTest<Plain>());

        await Assert.ThrowsAsync<InvalidOperationException>(() => actor.StateManager.GetStateAsync<int>("n", Cancellation));
        await Assert.ThrowsAsync<NotImplementedException>(actor.RegisterAsync);
        Assert.Throws<NotImplementedException>(() => actor.ProxyFactory.Create(actor.Id, "x"));
    }

    private static async Task<RecordingSidecar> StartAsync(Dictionary<string, string> states)
    {
        var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = async http =>
        {
            var key = http.Request.Path.Value!.Split('/')[^1];
            var value = http.Request.Method == "GET" ? states.GetValueOrDefault(key) : null;
            http.Response.StatusCode = value is null ? 204 : 200;
            if (value is not null)
            {
                await http.Response.WriteAsync(value);
            }
        };
        return sidecar;
    }

    private static string Saved(RecordingSidecar sidecar) => Assert.Single(sidecar.Requests, request => request.Method == "PUT").Body;

    private static ActorStateManager Create(RecordingSidecar sidecar)
    {
        var connection = new ActorSidecar(new ActorProxyOptions { HttpEndpoint = sidecar.Address }, null);
        var test = ActorHost.CreateForTest<Plain>(new ActorTestOptions { ActorId = new ActorId("7") });
        return new ActorStateManager(new ActorHost(
            test.ActorTypeInfo, test.Id, test.JsonSerializerOptions, test.LoggerFactory, test.ProxyFactory, test.TimerManager,
            new ActorStateStore(connection, JsonSerializerOptions.Web)));
    }
}
