using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Tests;

public sealed class SequenceTests
{
    [Fact]
    public async Task Runs_activities_in_sequence_and_completes()
    {
        await using var host = await EngineHost.StartAsync(new CrashingStore(new MemoryStore()));
        await using var worker = new ScriptedWorker(host) { Workflows = { ["seq"] = Scripts.Sequence(3) } }.Start();
        using var client = host.Connect();

        var id = await client.StartAsync("seq", "x");
        var state = await client.WaitAsync(id);

        Assert.Equal(OrchestrationStatus.Completed, state!.WorkflowStatus);
        Assert.Equal("a(a(a(x)))", state.Output);
        HistoryCheck.Valid(await client.HistoryAsync(id));
    }
}
