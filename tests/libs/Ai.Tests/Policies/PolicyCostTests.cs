using System.Diagnostics;
using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests.Policies;

/// <summary>What the policies cost a call that goes well, without a provider: the machine-independent half of the budget of docs/performance.md.</summary>
public sealed class PolicyCostTests
{
    private const int Calls = 5_000;
    private const int MaxBytes = 10 * 1024;

    [Fact]
    public void All_together_allocate_little()
    {
        using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            [
                new("OPENAI_API_KEY", "k"), new("Ai:Providers:openai:Keys:0:Value", "k"), new("Ai:Providers:openai:Keys:0:TokensPerMinute", "2000000000"),
            ]).Build())
            .AddModels()
            .BuildServiceProvider();
        ModelHandler handler = (call, _) => new(Script.Whole(call.Model));
        foreach (var policy in services.GetServices<IModelPolicy>().OrderByDescending(policy => policy.Place))
        {
            var next = handler;
            handler = (call, cancellationToken) => policy.InvokeAsync(call, next, cancellationToken);
        }

        var call = Script.Call(model: services.GetRequiredService<ModelCatalogue>().Find("openai/gpt-5.2", ModelCapabilities.Chat));
        Run();
        var bytes = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        Run();
        bytes = (GC.GetAllocatedBytesForCurrentThread() - bytes) / Calls;
        TestContext.Current.SendDiagnosticMessage($"policies: {bytes} bytes and {Stopwatch.GetElapsedTime(started).TotalMicroseconds / Calls:f1} us a call");

        Assert.InRange(bytes, 1, MaxBytes);

        void Run()
        {
            for (var i = 0; i < Calls; i++)
            {
                var answer = handler(call, CancellationToken.None);
                Assert.True(answer.IsCompletedSuccessfully);
            }
        }
    }
}
