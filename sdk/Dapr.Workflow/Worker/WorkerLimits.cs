using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Dapr.Workflow.Worker;

/// <summary>How much a worker does at a time; what comes on top waits. An activity that waits for somebody else keeps its place.</summary>
/// <param name="Turns">Workflow turns. Setting <c>Dapr:Workflow:MaxConcurrentTurns</c>, default 100.</param>
/// <param name="Activities">Activities. Setting <c>Dapr:Workflow:MaxConcurrentActivities</c>, default 100.</param>
internal sealed record WorkerLimits(int Turns, int Activities)
{
    private const string Section = "Dapr:Workflow:";
    private const int Default = 100;

    /// <exception cref="InvalidOperationException">A setting is no number from 1 on.</exception>
    public static WorkerLimits Read(IConfiguration? configuration) =>
        new(Read(configuration, "MaxConcurrentTurns"), Read(configuration, "MaxConcurrentActivities"));

    private static int Read(IConfiguration? configuration, string name) =>
        configuration?[Section + name] is not { Length: > 0 } text ? Default
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value
        : throw new InvalidOperationException($"{Section}{name} is not a number from 1 on.");
}
