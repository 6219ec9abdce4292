using Ai.Local;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests;

public sealed class LocalProviderTests
{
    private static IChatModels Models() => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
        .AddChatModels()
        .AddLocalSkill<Echo>()
        .BuildServiceProvider()
        .GetRequiredService<IChatModels>();

    [Fact]
    public async Task Is_chosen_without_key_and_address_and_says_so()
    {
        var client = Models().Get(null);

        var response = await client.GetResponseAsync("hello", new ChatOptions { AdditionalProperties = new() { [ChatTasks.Key] = "echo" } });

        Assert.Equal("hello", response.Text);
        Assert.Equal("local", response.ModelId);
        Assert.Equal("local", client.GetService<ChatClientMetadata>()!.ProviderName);
    }

    [Fact]
    public async Task Refuses_what_it_has_no_skill_for_and_names_what_it_can()
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => Models().Get(null).GetResponseAsync("write a poem"));

        Assert.Equal("MODEL_CAPABILITY_MISSING", failure.Code);
        Assert.Contains("echo", failure.Message);
    }

    private sealed class Echo : ILocalSkill
    {
        public string Task => "echo";

        public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken) =>
            System.Threading.Tasks.Task.FromResult(messages[^1].Text);
    }
}
