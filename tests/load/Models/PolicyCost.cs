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
/// machine only ever adds. Budgets have no limits and answers are not kept,
/// which is the default for such calls; what these two cost when they do their work is measured apart, because they then ask the state store.
/// </summary>
internal sealed class PolicyCost(TextWriter output, int rounds, CancellationToken cancellationToken)
{
    private const int Calls = 5_000;
    private static readonly Uri Nowhere = new("http://127.0.0.1:1/v1");
    private static readonly ChatMessage[] Messages = [new(ChatRole.System, "You are terse."), new(ChatRole.User, "What goes into the blue bin?")];

    private static readonly ChatOptions Options = ChatTasks.For(new CallScope { User = "u1", Session = "s1", Task = "bench" });
    private static readonly ChatOptions Repeatable = ChatTasks.For(new CallScope { User = "u1", Session = "s1", Task = "bench", Cache = true });
    private int _bin;

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
                    var (micros, bytes) = await TurnAsync(subjects[index].Client, Options, streamed);
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

        await output.WriteLineAsync("Policies that use the state store, when they do: what they add to a call, the store's own time apart");
        await MeasureStoreAsync(provider, "BudgetPolicy, with limits", Of("BudgetPolicy"), fresh: false, ("Ai:Budget:DailyUsd", "1000000"), ("Ai:Budget:UserDailyTokens", "1000000000"));
        await MeasureStoreAsync(provider, "CachePolicy, kept answer", Of("CachePolicy"), fresh: false);
        await MeasureStoreAsync(provider, "CachePolicy, new answer", Of("CachePolicy"), fresh: true);

        Type Of(string name) => policies.Single(type => type.Name == name);
    }

    private async Task MeasureStoreAsync(InstantProvider provider, string name, Type policy, bool fresh, params (string Key, string Value)[] settings)
    {
        var state = new CountedState();
        await using var with = ModelLoad.Services(Nowhere, provider, policy, state, settings);
        await using var without = ModelLoad.Services(Nowhere, provider, typeof(object));
        var best = (Micros: double.MaxValue, Bytes: double.MaxValue);
        var under = best;
        var asked = 0L;
        for (var round = -1; round < rounds; round++)
        {
            // Equal calls would be answered from memory; what makes them unequal is made for both.
            var one = await TurnAsync(Client(without), Repeatable, streamed: false, fresh);
            (asked, var before) = (0, state.Asked);
            var other = await TurnAsync(Client(with), Repeatable, streamed: false, fresh);
            asked = state.Asked - before;
            if (round >= 0)
            {
                under = (Math.Min(under.Micros, one.Micros), Math.Min(under.Bytes, one.Bytes));
                best = (Math.Min(best.Micros, other.Micros), Math.Min(best.Bytes, other.Bytes));
            }
        }

        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"  {name,-28} {best.Micros - under.Micros,7:N1} us {(best.Bytes - under.Bytes) / 1024,7:N2} KiB; reads of the store a call, also those behind it: {asked / (double)Calls:N4}"));

        static IChatClient Client(IServiceProvider services)
        {
            var models = services.GetRequiredService<IModels>();
            return models.Chat(models.Find(ModelLoad.Model, ModelCapabilities.Chat));
        }
    }

    private static Type[] PolicyTypes() =>
        [.. new ServiceCollection().AddModels().Where(service => service.ServiceType == typeof(IModelPolicy)).Select(service => service.ImplementationType!)];

    private async Task<(double Micros, double Bytes)> TurnAsync(IChatClient client, ChatOptions options, bool streamed, bool fresh = false)
    {
        var bytes = GC.GetTotalAllocatedBytes(precise: true);
        var begin = Stopwatch.GetTimestamp();
        for (var call = 0; call < Calls; call++)
        {
            if (streamed)
            {
                await foreach (var update in client.GetStreamingResponseAsync(Messages, options, cancellationToken))
                {
                    _ = update;
                }
            }
            else
            {
                await client.GetResponseAsync(fresh ? [new(ChatRole.User, $"What goes into bin {_bin++}?")] : Messages, options, cancellationToken);
            }
        }

        return (Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Calls, (GC.GetTotalAllocatedBytes(precise: true) - bytes) / (double)Calls);
    }
}
