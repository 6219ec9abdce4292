using Ai.Calls;
using Ai.Local;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests.Local;

public sealed class LocalProviderTests
{
    private static IModels Models() => new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
        .AddModels()
        .AddLocalSkill<Echo>()
        .BuildServiceProvider()
        .GetRequiredService<IModels>();

    [Fact]
    public async Task Is_chosen_without_key_and_address_and_says_so()
    {
        var client = Models().Chat();

        var response = await client.GetResponseAsync("hello", ChatTasks.For(new CallScope { Task = "echo" }));

        Assert.Equal("hello", response.Text);
        Assert.Equal("local", response.ModelId);
        Assert.Equal("local", client.GetService<ChatClientMetadata>()!.ProviderName);
    }

    [Fact]
    public async Task Refuses_what_it_has_no_skill_for_and_names_what_it_can()
    {
        var failure = await Assert.ThrowsAsync<ModelException>(() => Models().Chat().GetResponseAsync("write a poem"));

        Assert.Equal("MODEL_CAPABILITY_MISSING", failure.Code);
        Assert.Contains("echo", failure.Message);
    }

    [Fact]
    public async Task Works_on_one_picture_per_processor_and_lets_the_others_wait()
    {
        var skill = new Gate();
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection([
                new("Ai:Admission:MaxConcurrentCalls", "1000"),
                new("Ai:Admission:MaxWait", "00:05:00"),
            ]).Build())
            .AddModels()
            .AddSingleton<ILocalSkill>(skill)
            .BuildServiceProvider();
        var client = services.GetRequiredService<IModels>().Chat();
        var calls = Enumerable.Range(0, Environment.ProcessorCount + 20)
            .Select(_ => client.GetResponseAsync("?", ChatTasks.For(new CallScope { Task = "gate" }))).ToArray();

        Assert.Equal(Environment.ProcessorCount, skill.Inside);
        skill.Open.SetResult();
        await Task.WhenAll(calls).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(Environment.ProcessorCount, skill.MostInside);
    }

    private sealed class Gate : ILocalSkill
    {
        private int _inside;
        private int _most;

        public string Task => "gate";

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Inside => Volatile.Read(ref _inside);

        public int MostInside => Volatile.Read(ref _most);

        public async Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
        {
            lock (Open)
            {
                _most = Math.Max(_most, ++_inside);
            }

            await Open.Task.WaitAsync(cancellationToken);
            lock (Open)
            {
                _inside--;
            }

            return "";
        }
    }

    private sealed class Echo : ILocalSkill
    {
        public string Task => "echo";

        public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken) =>
            System.Threading.Tasks.Task.FromResult(messages[^1].Text);
    }
}
