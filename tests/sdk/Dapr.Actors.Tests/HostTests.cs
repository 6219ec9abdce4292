using System.Text;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.Actors.Tests;

/// <summary>The endpoints, called as a sidecar does (dapr-sdk §6.1).</summary>
public sealed class HostTests
{
    [Fact]
    public async Task The_sidecar_is_told_what_is_hosted()
    {
        await using var host = await TestHost.StartAsync(options =>
        {
            options.Actors.Clear();
            options.ActorIdleTimeout = TimeSpan.FromHours(1);
            options.ActorScanInterval = TimeSpan.FromSeconds(30);
            options.DrainOngoingCallTimeout = TimeSpan.FromSeconds(1.5);
            options.DrainRebalancedActors = true;
            options.RemindersStoragePartitions = 7;
            options.ReentrancyConfig = new ActorReentrancyConfig { Enabled = true, MaxStackDepth = 8 };
            options.Actors.RegisterActor<Counter>();
            options.Actors.RegisterActor<Special>("Named", new ActorRuntimeOptions { ActorIdleTimeout = TimeSpan.FromMinutes(5) });
        });

        var (status, body, contentType) = await host.SendAsync(HttpMethod.Get, "/dapr/config");

        Assert.Equal((200, "application/json"), (status, contentType));
        Assert.Equal(
            """{"entities":["Counter","Named"],"actorIdleTimeout":"1h0m0s0ms","actorScanInterval":"0h0m30s0ms","drainOngoingCallTimeout":"0h0m1s500ms","drainRebalancedActors":true,"remindersStoragePartitions":7,"reentrancy":{"enabled":true,"maxStackDepth":8},"entitiesConfig":[{"entities":["Named"],"actorIdleTimeout":"0h5m0s0ms","reentrancy":{"enabled":false}}]}""",
            body);
    }

    [Fact]
    public async Task Defaults_are_left_to_the_sidecar()
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal("""{"entities":["Counter","Special","plain"],"reentrancy":{"enabled":false}}""", (await host.SendAsync(HttpMethod.Get, "/dapr/config")).Body);
        Assert.Equal((200, "Healthy"), (await host.SendAsync(HttpMethod.Get, "/healthz")) is var (status, body, _) ? (status, body) : default);
        Assert.Equal(["Counter", "Special", "plain"], host.Services.GetRequiredService<ActorRuntime>().RegisteredActors.Select(actor => actor.Type.ActorTypeName));
    }

    [Fact]
    public async Task A_call_activates_runs_and_saves()
    {
        await using var host = await TestHost.StartAsync();
        host.States["Counter/1/n"] = "40";

        var answer = await host.PutAsync("/actors/Counter/1/method/AddAsync", "2");

        Assert.Equal((200, "42", "application/json"), answer);
        Assert.Equal("42", host.States["Counter/1/n"]);
        Assert.Equal(["activate 1", "before ActorInterfaceMethod AddAsync", "after AddAsync"], host.Diary.Entries);
        Assert.All(host.Sidecar.Requests, request => Assert.Equal("t0ken", request.Headers["dapr-api-token"]));
    }

    [Fact]
    public async Task A_method_without_a_result_has_no_body()
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal((200, "", null), await host.PutAsync("/actors/Counter/1/method/ResetAsync"));
    }

    [Fact]
    public async Task A_call_that_fails_changes_nothing()
    {
        await using var host = await TestHost.StartAsync();
        host.States["Counter/1/n"] = "1";

        Assert.Equal(500, (await host.PutAsync("/actors/Counter/1/method/AddAsync", "13")).Status);

        Assert.Equal("1", host.States["Counter/1/n"]);
        Assert.Equal("2", (await host.PutAsync("/actors/Counter/1/method/AddAsync", "1")).Body);
        Assert.Contains("failed AddAsync InvalidOperationException", host.Diary.Entries);
    }

    [Fact]
    public async Task A_call_whose_state_cannot_be_saved_fails_and_is_forgotten()
    {
        await using var host = await TestHost.StartAsync();
        var answer = host.Sidecar.Answer;
        host.Sidecar.Answer = http =>
        {
            http.Response.StatusCode = http.Request.Method == "PUT" ? 500 : 204;
            return Task.CompletedTask;
        };
        Assert.Equal(500, (await host.PutAsync("/actors/Counter/1/method/AddAsync", "5")).Status);

        host.Sidecar.Answer = answer;

        Assert.Equal("1", (await host.PutAsync("/actors/Counter/1/method/AddAsync", "1")).Body);
    }

    [Theory]
    [InlineData("/actors/Nobody/1/method/AddAsync")]
    [InlineData("/actors/Counter/1/method/Missing")]
    [InlineData("/actors/Counter/1/method/DisposeAsync")]
    [InlineData("/actors/Counter/1/method/JoinAsync")]
    [InlineData("/actors/Counter/broken/method/GetAsync")]
    public async Task What_cannot_be_called_is_a_failure(string path)
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal(500, (await host.PutAsync(path, "1")).Status);
    }

    [Fact]
    public async Task An_actor_that_could_not_be_activated_is_cleaned_up_and_tried_again()
    {
        await using var host = await TestHost.StartAsync();

        await host.PutAsync("/actors/Counter/broken/method/GetAsync");
        await host.PutAsync("/actors/Counter/broken/method/GetAsync");

        Assert.Equal(
            ["activate broken", "actor disposed", "scope disposed", "activate broken", "actor disposed", "scope disposed"], host.Diary.Entries);
    }

    [Fact]
    public async Task Deactivation_ends_actor_and_scope()
    {
        await using var host = await TestHost.StartAsync();
        await host.PutAsync("/actors/Counter/1/method/AddAsync", "5");

        Assert.Equal(200, (await host.SendAsync(HttpMethod.Delete, "/actors/Counter/1")).Status);

        Assert.Equal(["deactivate 1", "actor disposed", "scope disposed"], host.Diary.Entries.Skip(3));
        Assert.Equal("5", (await host.PutAsync("/actors/Counter/1/method/GetAsync")).Body);
    }

    [Fact]
    public async Task Deactivation_of_who_is_not_active_is_fine()
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal(200, (await host.SendAsync(HttpMethod.Delete, "/actors/Counter/1")).Status);
        Assert.Empty(host.Diary.Entries);
    }

    [Fact]
    public async Task Reminders_come_with_what_they_were_registered_with()
    {
        await using var host = await TestHost.StartAsync();

        var answer = await host.PutAsync("/actors/Counter/1/method/remind/wake", """{"data":"AQI=","dueTime":"5s","period":"1m0s"}""");

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            ["activate 1", "before ReminderMethod ReceiveReminderAsync", "reminder wake 0102 00:00:05 00:01:00", "after ReceiveReminderAsync"],
            host.Diary.Entries);
        Assert.Equal("\"wake\"", host.States["Counter/1/reminded"]);
    }

    [Fact]
    public async Task Data_of_other_clients_comes_as_JSON()
    {
        await using var host = await TestHost.StartAsync();

        await host.PutAsync("/actors/Counter/1/method/remind/wake", """{"data":{"a":1},"dueTime":"","period":""}""");

        Assert.Contains($"reminder wake {Convert.ToHexString(Encoding.UTF8.GetBytes("{\"a\":1}"))} 00:00:00 -00:00:00.0010000", host.Diary.Entries);
    }

    [Fact]
    public async Task A_reminder_that_fails_is_a_failure_and_one_that_nobody_wants_is_not()
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal(500, (await host.PutAsync("/actors/Counter/1/method/remind/bad", "{}")).Status);
        Assert.Equal(200, (await host.PutAsync("/actors/plain/1/method/remind/wake", "{}")).Status);
    }

    [Theory]
    [InlineData("Counter", "TickAsync", "false", "tick 02")]
    [InlineData("Special", "TickAsync", "false", "tick 02")]
    [InlineData("Counter", "Enough", "true", "after Enough")]
    public async Task Timers_call_private_methods_by_name(string type, string callback, string answer, string entry)
    {
        await using var host = await TestHost.StartAsync();

        var (status, body, contentType) = await host.PutAsync(
            $"/actors/{type}/1/method/timer/t", $$"""{"callback":"{{callback}}","data":"Ag==","dueTime":"1s","period":"2s"}""");

        Assert.Equal((200, answer, "application/json"), (status, body, contentType));
        Assert.Contains(entry, host.Diary.Entries);
        Assert.Contains($"before TimerMethod {callback}", host.Diary.Entries);
    }

    [Theory]
    [InlineData("""{"callback":"Nothing"}""")]
    [InlineData("{}")]
    [InlineData("[]")]
    public async Task Timers_without_a_method_fail(string body)
    {
        await using var host = await TestHost.StartAsync();

        Assert.Equal(500, (await host.PutAsync("/actors/Counter/1/method/timer/t", body)).Status);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Typed_calls_arrive_whatever_form_the_caller_and_the_host_use(bool jsonOfCaller, bool jsonOfHost)
    {
        await using var host = await TestHost.StartAsync(options => options.UseJsonSerialization = jsonOfHost);
        var proxy = host.Proxies.CreateActorProxy<ICounter>(
            new ActorId("1"), "Counter", new ActorProxyOptions { HttpEndpoint = host.Sidecar.Address, UseJsonSerialization = jsonOfCaller });

        Assert.Equal(5, await proxy.AddAsync(5));
        Assert.Equal(5, await proxy.GetAsync());
        await proxy.ResetAsync();
        Assert.Equal(0, await proxy.GetAsync());
        Assert.Equal("a-b-True", await proxy.JoinAsync("b", "a"));
        var echo = await proxy.EchoAsync(new Order { Id = "7", Items = [1, 2] });
        Assert.Equal([1, 2], echo.Items);
        Assert.Null(await proxy.EchoAsync(null!));
    }

    [Fact]
    public async Task Actors_travel_as_references()
    {
        await using var host = await TestHost.StartAsync();
        var one = host.Proxies.CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        var other = host.Proxies.CreateActorProxy<ICounter>(new ActorId("22"), "Counter");

        Assert.Equal(2, await one.AnswerAsync(other));
        Assert.Equal(1, await one.AskAsync(ActorReference.Get(other)));
        Assert.Equal("1", host.States["Counter/22/n"]);
    }

    [Fact]
    public async Task What_a_method_throws_reaches_the_caller_and_saves_nothing()
    {
        await using var host = await TestHost.StartAsync();
        var proxy = host.Proxies.CreateActorProxy<ICounter>(new ActorId("1"), "Counter");

        var failure = await Assert.ThrowsAsync<ActorMethodInvocationException>(() => proxy.AddAsync(13));

        var cause = Assert.IsType<ActorInvokeException>(failure.InnerException);
        Assert.Equal(("System.InvalidOperationException", "unlucky"), (cause.ActualExceptionType, cause.Message));
        Assert.Contains("Method Name: MoveNext", failure.Message, StringComparison.Ordinal);
        Assert.False(host.States.ContainsKey("Counter/1/n"));
    }

    [Fact]
    public async Task A_typed_call_whose_state_cannot_be_saved_fails()
    {
        await using var host = await TestHost.StartAsync();
        var answer = host.Sidecar.Answer;
        host.Sidecar.Answer = http =>
        {
            http.Response.StatusCode = 500;
            return http.Request.Path.Value!.EndsWith("/state", StringComparison.Ordinal) ? Task.CompletedTask : answer(http);
        };

        var failure = await Assert.ThrowsAsync<ActorMethodInvocationException>(
            () => host.Proxies.CreateActorProxy<ICounter>(new ActorId("1"), "Counter").AddAsync(5));

        Assert.Equal("Dapr.DaprApiException", Assert.IsType<ActorInvokeException>(failure.InnerException).ActualExceptionType);
        Assert.False(host.States.ContainsKey("Counter/1/n"));
    }

    [Fact]
    public async Task Proxies_may_be_scoped()
    {
        await using var host = await TestHost.StartAsync(lifetime: ServiceLifetime.Scoped);

        Assert.Equal("5", (await host.PutAsync("/actors/Counter/1/method/AddAsync", "5")).Body);
    }

    [Fact]
    public void Endpoints_need_actors()
    {
        var app = WebApplication.CreateSlimBuilder().Build();

        Assert.Throws<InvalidOperationException>(() => app.MapActorsHandlers());
    }

    [Fact]
    public void Only_actors_are_registered()
    {
        var actors = new ActorRegistrationCollection();

        Assert.Throws<ArgumentException>(() => actors.RegisterActor<Mute>());
        Assert.Throws<ArgumentException>(() => ActorTypeInformation.Get(typeof(string), null));
        Assert.Equal("plain", ActorTypeInformation.Get(typeof(Plain), null).ActorTypeName);
        Assert.Equal("other", ActorTypeInformation.Get(typeof(Plain), "other").ActorTypeName);
        Assert.False(ActorTypeInformation.Get(typeof(Plain), null).IsRemindable);
    }

    private sealed class Mute(ActorHost host) : Actor(host);
}
