using Ai.Caching;
using Ai.Calls;
using Dapr.Client;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ModelServers;
using ModelServers.OpenAi;
using Sidecar.Testing;

namespace Ai.Tests.Limits;

/// <summary>Two replicas of an app, each with all of model access, over the state store of a real sidecar and a real protocol.</summary>
public sealed class SharedLimitsTests : IAsyncLifetime
{
    private readonly OpenAiProtocol _protocol = new();
    private readonly List<ServiceProvider> _replicas = [];
    private ModelServer _server = null!;
    private SidecarHost _dapr = null!;
    private DaprClient _client = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ModelServer.StartAsync(_protocol);
        _dapr = await SidecarHost.StartAsync();
        _client = new DaprClientBuilder().UseHttpEndpoint(_dapr.HttpEndpoint).UseDaprApiToken(_dapr.ApiToken).Build();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        _client.Dispose();
        await _dapr.DisposeAsync();
        await _server.DisposeAsync();
    }

    private IModels Replica(params (string Key, string Value)[] settings)
    {
        var replica = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
                new("Ai:Providers:openai:BaseUrl", $"{_protocol.BaseUrl(_server.Address)}"),
                new("Ai:Providers:openai:Keys:0:Value", "sk-test"),
                new("Ai:Store:Timeout", "00:01:00"),
            ]).AddInMemoryCollection(settings.Select(setting => new KeyValuePair<string, string?>(setting.Key, setting.Value))).Build())
            .AddSingleton(_client)
            .AddSingleton<TimeProvider>(new NoonTime())
            .AddModels()
            .BuildServiceProvider();
        _replicas.Add(replica);
        return replica.GetRequiredService<IModels>();
    }

    private static ChatOptions Cold => new() { Temperature = 0, MaxOutputTokens = 10 };

    private static Task<ChatResponse> AskAsync(IModels models, string question) =>
        models.Chat().GetResponseAsync([new ChatMessage(ChatRole.User, question)], Cold, Scripted.Cancel);

    private async Task<T> StoredAsync<T>(string key, Func<T, bool> expected) where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Scripted.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (await _client.GetStateAsync<T?>("statestore", key, cancellationToken: limit.Token) is { } found && expected(found))
            {
                return found;
            }

            await Task.Delay(5, limit.Token);
        }
    }

    [Fact]
    public async Task Replicas_share_answers_as_long_as_they_live()
    {
        var (one, other) = (Replica(), Replica());
        var model = one.Find(null);
        var key = CacheKey.Of(new ChatCall
        {
            Requested = model, Model = model, Policy = new(), Scope = CallScope.None, Messages = [new(ChatRole.User, "where does glass go?")], Options = Cold, Streamed = false,
        })!;
        _server.Next(ModelReply.Text("into the glass container"), ModelReply.Text("asked again"));

        var first = await AskAsync(one, "where does glass go?");
        await StoredAsync<byte[]>(key, _ => true);
        var second = await AskAsync(other, "where does glass go?");

        Assert.Equal(("into the glass container", "into the glass container"), (first.Text, second.Text));
        Assert.Equal((false, true), (Served.Of(first)!.Cached, Served.Of(second)!.Cached));
        Assert.Equal(0, Served.Of(second)!.CostUsd);
        Assert.Single(_server.Requests);
        _dapr.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Null(await _client.GetStateAsync<byte[]?>("statestore", key, cancellationToken: Scripted.Cancel));
    }

    [Fact]
    public async Task Replicas_share_a_budget()
    {
        (string, string)[] settings = [("Ai:Budget:DailyTokens", "100"), ("Ai:Cache:Enabled", "false")];
        var (one, other) = (Replica(settings), Replica(settings));
        _server.Next(ModelReply.Text("a", 60, 2), ModelReply.Text("b", 30, 4));
        await AskAsync(one, "1");
        await AskAsync(other, "2");
        await StoredAsync<Budgets.BudgetDocument>("ai-budget:2026-03-01:day", spent => spent.Tokens == 96);

        var failure = await Assert.ThrowsAsync<ModelException>(() => AskAsync(Replica(settings), "3"));

        Assert.Equal(ModelFailure.BudgetSpent, failure.Failure);
        Assert.InRange(failure.RetryAfter!.Value, TimeSpan.Zero, TimeSpan.FromDays(1));
        Assert.Equal(2, _server.Requests.Count);
    }

    [Fact]
    public async Task Calls_go_on_without_the_store()
    {
        var models = Replica(("Ai:Store:Name", "nothing-of-that-name"), ("Ai:Budget:DailyTokens", "1000"));

        Assert.Equal("ok", (await AskAsync(models, "1")).Text);
        Assert.True(Served.Of(await AskAsync(models, "1"))!.Cached);
    }
}
