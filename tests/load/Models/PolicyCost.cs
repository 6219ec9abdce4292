using System.Diagnostics;
using System.Globalization;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Load.Models;

/// <summary>
/// Time and allocations that the policies add to a call, together and each alone, in turns within one run. The best round counts, because other work on the
/// machine only ever adds. State is the process's own memory here, as without a sidecar: a policy that asks the state store costs one round trip more.
/// </summary>
internal sealed class PolicyCost(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Calls = 5_000;
    private static readonly Uri Nowhere = new("http://127.0.0.1:1/v1");
    private static readonly ChatMessage[] Messages = [new(ChatRole.System, "You are terse."), new(ChatRole.User, "What goes into the blue bin?")];

    private static readonly ChatOptions Options = ChatTasks.For(new CallScope { User = "u1", Session = "s1", Task = "bench" });

    public static Task MeasureAsync(int rounds, TextWriter output, CancellationToken cancellationToken) =>
        new PolicyCost(output, rounds, cancellationToken).MeasureAsync();

    private async Task MeasureAsync()
    {
        var provider = new InstantProvider();
        var policies = PolicyTypes();
        var subjects = new List<(string Name, IChatClient Client, ServiceProvider? Services)> { ("the provider alone", provider, null) };
        foreach (var (name, only) in new (string, Type?)[] { ("no policy, the port alone", typeof(object)), ("all policies", null) }.Concat(policies.Select(type => (type.Name, (Type?)type))))
        {
            var services = ModelLoad.Services(Nowhere, provider, only);
            var models = services.GetRequiredService<IModels>();
            subjects.Add((name, models.Chat(models.Find(ModelLoad.Model, ModelCapabilities.Chat)), services));
        }

        foreach (var streamed in (bool[])[false, true])
        {
            var best = subjects.Select(_ => (Micros: double.MaxValue, Bytes: double.MaxValue)).ToArray();
            for (var round = -1; round < rounds; round++)
            {
                for (var index = 0; index < subjects.Count; index++)
                {
                    var (micros, bytes) = await TurnAsync(subjects[index].Client, streamed);
                    if (round >= 0)
                    {
                        best[index] = (Math.Min(best[index].Micros, micros), Math.Min(best[index].Bytes, bytes));
                    }
                }
            }

            await output.WriteLineAsync($"{(streamed ? "A stream of two pieces" : "A call")}, added to the provider's own: best of {rounds} rounds of {Calls:N0}");
            for (var index = 1; index < subjects.Count; index++)
            {
                // A single policy without the port around it: what comes on top of "no policy".
                var under = best[index < 3 ? 0 : 1];
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {subjects[index].Name,-28} {best[index].Micros - under.Micros,7:N1} us {(best[index].Bytes - under.Bytes) / 1024,7:N2} KiB"));
            }
        }

        foreach (var (_, _, services) in subjects)
        {
            services?.Dispose();
        }
    }

    private static Type[] PolicyTypes() =>
        [.. new ServiceCollection().AddModels().Where(service => service.ServiceType == typeof(IModelPolicy)).Select(service => service.ImplementationType!)];

    private async Task<(double Micros, double Bytes)> TurnAsync(IChatClient client, bool streamed)
    {
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var begin = Stopwatch.GetTimestamp();
        for (var call = 0; call < Calls; call++)
        {
            if (streamed)
            {
                await foreach (var update in client.GetStreamingResponseAsync(Messages, Options, cancellationToken))
                {
                    _ = update;
                }
            }
            else
            {
                await client.GetResponseAsync(Messages, Options, cancellationToken);
            }
        }

        return (Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Calls, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)Calls);
    }
}
