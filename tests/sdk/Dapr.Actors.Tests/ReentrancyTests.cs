using Dapr.Actors.Client;

namespace Dapr.Actors.Tests;

/// <summary>Chains of calls that come back (HTTP §6.1, dapr-sdk §6.2).</summary>
public sealed class ReentrancyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_call_hands_its_chain_on()
    {
        await using var host = await TestHost.StartAsync(options => options.ReentrancyConfig.Enabled = true);
        host.States["Counter/2/n"] = "1";

        var answer = await host.PutAsync("/actors/Counter/1/method/AskAsync", """{"actorId":"2","actorType":"Counter"}""", chain: "c1");

        Assert.Equal((200, "2"), (answer.Status, answer.Body));
        var call = Assert.Single(host.Sidecar.Requests, request => request.Target.Contains("/method/", StringComparison.Ordinal));
        Assert.Equal("c1", call.Headers["Dapr-Reentrancy-Id"]);
    }

    [Fact]
    public async Task Calls_without_a_chain_have_none()
    {
        await using var host = await TestHost.StartAsync();
        await host.PutAsync("/actors/Counter/3/method/AddAsync", "1", chain: "c1");

        await host.PutAsync("/actors/Counter/1/method/AskAsync", """{"actorId":"2","actorType":"Counter"}""");

        var call = Assert.Single(host.Sidecar.Requests, request => request.Target.Contains("/method/", StringComparison.Ordinal));
        Assert.False(call.Headers.ContainsKey("Dapr-Reentrancy-Id"));
    }

    [Fact]
    public async Task A_chain_comes_back_to_the_actor_that_waits_for_it()
    {
        await using var host = await TestHost.StartAsync(options => options.ReentrancyConfig.Enabled = true);

        var answer = await host.PutAsync("/actors/Counter/1/method/AskAsync", """{"actorId":"1","actorType":"Counter"}""", chain: "c1").WaitAsync(Patience);

        Assert.Equal("1", answer.Body);
        Assert.Equal("1", host.States["Counter/1/n"]);
        Assert.Single(host.Diary.Entries, entry => entry == "activate 1");
    }

    [Fact]
    public async Task Each_call_of_a_chain_reads_what_others_saved()
    {
        await using var host = await TestHost.StartAsync(options => options.ReentrancyConfig.Enabled = true);

        await host.PutAsync("/actors/Counter/1/method/AddAsync", "1", chain: "c1");
        host.States["Counter/1/n"] = "40";

        Assert.Equal("42", (await host.PutAsync("/actors/Counter/1/method/AddAsync", "2", chain: "c2")).Body);
    }

    [Fact]
    public async Task A_call_of_a_chain_that_fails_leaves_the_others_alone()
    {
        await using var host = await TestHost.StartAsync(options =>
        {
            options.ReentrancyConfig.Enabled = true;
            options.Actors.RegisterActor<Stubborn>();
        });

        var answer = await host.PutAsync("/actors/Stubborn/1/method/AddAndFailInsideAsync", "5", chain: "c1").WaitAsync(Patience);

        Assert.True(answer.Status == 200, answer.Body);
        Assert.Equal("5", answer.Body);
        Assert.Equal("5", host.States["Stubborn/1/n"]);
        Assert.False(host.States.ContainsKey("Stubborn/1/inner"));
    }

    public interface IStubborn : IActor
    {
        Task<int> AddAndFailInsideAsync(int amount);

        Task FailAsync();
    }

    public sealed class Stubborn(Runtime.ActorHost host) : Runtime.Actor(host), IStubborn
    {
        public async Task<int> AddAndFailInsideAsync(int amount)
        {
            await StateManager.SetStateAsync("n", amount);
            await Assert.ThrowsAsync<ActorMethodInvocationException>(() => ProxyFactory.CreateActorProxy<IStubborn>(Id, nameof(Stubborn)).FailAsync());
            return await StateManager.GetStateAsync<int>("n");
        }

        public async Task FailAsync()
        {
            await StateManager.SetStateAsync("inner", 1);
            throw new InvalidOperationException("inside");
        }
    }
}
