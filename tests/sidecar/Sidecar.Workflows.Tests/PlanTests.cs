using System.Globalization;

namespace Sidecar.Workflows.Tests;

/// <summary>
/// Workflows made from seeds end as they do undisturbed when the worker dies at any item, and so at any length of the history,
/// and when the engine dies or the store fails at any write. WORKFLOW_SEEDS sets how many workflows; each is named by its seed.
/// </summary>
public sealed class PlanTests
{
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("WORKFLOW_SEEDS") ?? "8", CultureInfo.InvariantCulture);

    public static TheoryData<int> AllSeeds { get; } = [.. Enumerable.Range(1, Seeds)];

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public async Task Ends_as_undisturbed_when_the_worker_dies_at_any_item(int seed)
    {
        var plan = new Plan(seed);
        var expected = await new PlanRun(plan, new Disturbance()).RunAsync();
        for (var item = 1; ; item++)
        {
            var run = await new PlanRun(plan, new Disturbance(CutAtItem: item)).RunAsync();
            AssertSame(expected, run, $"seed {seed} ({plan}), worker cut at item {item}");
            if (run.Items < item)
            {
                Assert.True(item > 3);
                return;
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllSeeds))]
    public async Task Ends_as_undisturbed_when_the_engine_dies_or_its_store_fails_at_any_write(int seed)
    {
        var plan = new Plan(seed);
        var expected = await new PlanRun(plan, new Disturbance()).RunAsync();
        foreach (var fault in Enum.GetValues<Fault>())
        {
            for (var write = 1; ; write++)
            {
                var run = await new PlanRun(plan, new Disturbance(FaultAtWrite: write, Fault: fault)).RunAsync();
                AssertSame(expected, run, $"seed {seed} ({plan}), {fault} at write {write}");
                if (run.Writes < write)
                {
                    Assert.True(write > 4);
                    break;
                }
            }
        }
    }

    private static void AssertSame(PlanOutcome expected, PlanOutcome run, string what)
    {
        Assert.True(expected.Outcome.Keys.Order().SequenceEqual(run.Outcome.Keys.Order()), $"{what}: instances {string.Join(' ', run.Outcome.Keys.Order())}");
        foreach (var (id, outcome) in expected.Outcome)
        {
            Assert.True(outcome == run.Outcome[id], $"{what}: {id} ended as\n{run.Outcome[id]}\ninstead of\n{outcome}");
        }
    }
}
