using System.Net.Http.Json;
using System.Text.Json;
using Dapr.Actors.Client;
using Dapr.Actors.Runtime;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Testing;

namespace Dapr.Actors.Tests;

/// <summary>Apps with actors on the sidecar of this repository, over sockets.</summary>
public sealed class SidecarTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Typed_and_untyped_calls_reach_the_same_actor()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        await StartAsync(dapr);

        var typed = Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        var json = Proxies(dapr, json: true).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        var untyped = Proxies(dapr).Create(new ActorId("1"), "Counter");

        Assert.Equal(5, await typed.AddAsync(5));
        Assert.Equal(6, await json.AddAsync(1));
        Assert.Equal(8, await untyped.InvokeMethodAsync<int, int>("AddAsync", 2, Cancellation));
        Assert.Equal(8, await untyped.InvokeMethodAsync<int>("GetAsync", Cancellation));
        Assert.Equal("a-b-True", await typed.JoinAsync("b", "a", Cancellation));
        await untyped.InvokeMethodAsync("ResetAsync", Cancellation);
        Assert.Equal(0, await typed.GetAsync());
    }

    [Fact]
    public async Task Calls_that_come_together_are_counted_one_by_one()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        await StartAsync(dapr);
        var counter = Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => counter.AddAsync(1))).WaitAsync(Patience, Cancellation);

        Assert.Equal(50, await counter.GetAsync());
    }

    [Fact]
    public async Task State_survives_deactivation()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        var app = await StartAsync(dapr, options => options.ActorIdleTimeout = TimeSpan.FromMinutes(5));
        var counter = Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        await counter.AddAsync(5);

        await dapr.AdvanceAsync(TimeSpan.FromMinutes(11));
        await UntilAsync(app, "scope disposed");

        Assert.Equal(6, await counter.AddAsync(1));
        Assert.Equal(2, Diary(app).Entries.Count(entry => entry == "activate 1"));
    }

    [Fact]
    public async Task What_a_method_throws_reaches_the_caller()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        await StartAsync(dapr);
        var counter = Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        await counter.AddAsync(1);

        var failure = await Assert.ThrowsAsync<ActorMethodInvocationException>(() => counter.AddAsync(13));
        var untyped = await Assert.ThrowsAsync<DaprApiException>(
            () => Proxies(dapr).Create(new ActorId("1"), "Counter").InvokeMethodAsync("AddAsync", 13, Cancellation));

        Assert.Equal("unlucky", Assert.IsType<ActorInvokeException>(failure.InnerException).Message);
        Assert.Equal("ERR_ACTOR_INVOKE_METHOD", untyped.ErrorCode);
        Assert.Equal(1, await counter.GetAsync());
    }

    [Fact]
    public async Task A_chain_goes_from_one_to_the_other_and_back()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        await StartAsync(dapr, options => options.ReentrancyConfig = new ActorReentrancyConfig { Enabled = true });
        var ball = Proxies(dapr).CreateActorProxy<IPlayer>(new ActorId("a"), nameof(Player));

        Assert.Equal("a b a", await ball.PassAsync("b", 2).WaitAsync(Patience, Cancellation));
    }

    [Fact]
    public async Task Timers_call_back_until_they_are_removed()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        var app = await StartAsync(dapr);
        var alarm = Proxies(dapr).CreateActorProxy<IAlarm>(new ActorId("1"), nameof(Alarm));
        await alarm.WatchAsync();

        await dapr.AdvanceAsync(TimeSpan.FromSeconds(1));
        await UntilAsync(app, "tick 1 02");
        await dapr.AdvanceAsync(TimeSpan.FromSeconds(2));
        await UntilAsync(app, "tick 2 02");
        await alarm.UnwatchAsync();
        await dapr.AdvanceAsync(TimeSpan.FromSeconds(10));

        Assert.DoesNotContain("tick 3 02", Diary(app).Entries);
    }

    [Fact]
    public async Task Reminders_wake_an_actor_that_was_deactivated()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        var app = await StartAsync(dapr, options => options.ActorIdleTimeout = TimeSpan.FromMinutes(5));
        var alarm = Proxies(dapr).CreateActorProxy<IAlarm>(new ActorId("1"), nameof(Alarm));
        await alarm.RemindAsync();
        Assert.Equal("01", await alarm.ShowAsync());

        await dapr.AdvanceAsync(TimeSpan.FromMinutes(30));
        Assert.Equal(["deactivated"], Diary(app).Entries);
        await dapr.AdvanceAsync(TimeSpan.FromMinutes(31));
        await UntilAsync(app, "wake 1 01");
        await dapr.AdvanceAsync(TimeSpan.FromHours(1));
        await UntilAsync(app, "wake 2 01");

        await alarm.UnremindAsync();
        Assert.Equal("none", await alarm.ShowAsync());
    }

    [Fact]
    public async Task State_of_actors_is_JSON_that_others_can_read()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        var app = await StartAsync(dapr);
        await Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter").AddAsync(5);

        using var client = app.CreateClient();
        var value = await client.GetFromJsonAsync<JsonElement>("v1.0/actors/Counter/1/state/n", Cancellation);

        Assert.Equal(5, value.GetInt32());
    }

    [Fact]
    public async Task Actors_answer_again_after_the_sidecar_restarted()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        var app = await StartAsync(dapr);
        var counter = Proxies(dapr).CreateActorProxy<ICounter>(new ActorId("1"), "Counter");
        await counter.AddAsync(5);

        await dapr.RestartAsync(crash: true, Cancellation);
        await app.ReadyAsync(cancellationToken: Cancellation);

        Assert.Equal("b", (await counter.JoinAsync("b", "a", Cancellation)).Split('-')[1]);
    }

    private static Task<SidecarApp> StartAsync(SidecarHost dapr, Action<ActorRuntimeOptions>? configure = null) => dapr.StartAppAsync(
        "actors",
        builder =>
        {
            builder.Services.AddSingleton<Diary>();
            builder.Services.AddScoped<Companion>();
            builder.Services.AddActors(options =>
            {
                options.Actors.RegisterActor<Counter>();
                options.Actors.RegisterActor<Player>();
                options.Actors.RegisterActor<Alarm>();
                configure?.Invoke(options);
            });
        },
        app => app.MapActorsHandlers(),
        Cancellation);

    private static ActorProxyFactory Proxies(SidecarHost dapr, bool json = false) =>
        new(new ActorProxyOptions { HttpEndpoint = dapr.HttpEndpoint, DaprApiToken = dapr.ApiToken, UseJsonSerialization = json });

    private static Diary Diary(SidecarApp app) => app.Services.GetRequiredService<Diary>();

    private static async Task UntilAsync(SidecarApp app, string entry)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        patience.CancelAfter(Patience);
        while (!Diary(app).Entries.Contains(entry))
        {
            await Task.Delay(5, patience.Token);
        }
    }

    public interface IPlayer : IActor
    {
        Task<string> PassAsync(string to, int times);
    }

    public sealed class Player(ActorHost host) : Actor(host), IPlayer
    {
        public async Task<string> PassAsync(string to, int times) => times == 0
            ? Id.GetId()
            : $"{Id} {await ProxyFactory.CreateActorProxy<IPlayer>(new ActorId(to), nameof(Player)).PassAsync(Id.GetId(), times - 1)}";
    }

    public interface IAlarm : IActor
    {
        Task WatchAsync();

        Task UnwatchAsync();

        Task RemindAsync();

        Task UnremindAsync();

        Task<string> ShowAsync();
    }

    public sealed class Alarm(ActorHost host, Diary diary) : Actor(host), IAlarm, IRemindable
    {
        public Task WatchAsync() => RegisterTimerAsync("t", nameof(TickAsync), [2], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2));

        public Task UnwatchAsync() => UnregisterTimerAsync("t");

        public Task RemindAsync() => RegisterReminderAsync("r", [1], TimeSpan.FromHours(1), TimeSpan.FromHours(1));

        public Task UnremindAsync() => UnregisterReminderAsync("r");

        public async Task<string> ShowAsync() => await GetReminderAsync("r") is { } reminder ? Convert.ToHexString(reminder.State) : "none";

        public Task ReceiveReminderAsync(string reminderName, byte[] state, TimeSpan dueTime, TimeSpan period) => NoteAsync("wake", state);

        protected override Task OnDeactivateAsync()
        {
            diary.Add("deactivated");
            return Task.CompletedTask;
        }

        private Task TickAsync(byte[] data) => NoteAsync("tick", data);

        private async Task NoteAsync(string what, byte[] data)
        {
            var count = await StateManager.AddOrUpdateStateAsync(what, 1, (_, n) => n + 1);
            diary.Add($"{what} {count} {Convert.ToHexString(data)}");
        }
    }
}
