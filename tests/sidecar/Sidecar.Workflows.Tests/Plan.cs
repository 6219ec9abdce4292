using System.Globalization;
using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Tests;

/// <summary>What a step of a <see cref="Plan"/> does.</summary>
internal enum Step
{
    Activity,
    FanOut,
    Timer,
    Event,
    Child,
    FailingChild,
    Detached,
    Retry,
}

/// <summary>
/// A workflow made from a seed: steps one after the other, for one or more executions (continue-as-new). Its result follows
/// from the seed alone, whatever the order of events and however often anything is done again.
/// </summary>
internal sealed class Plan
{
    private readonly Step[] _steps;
    private readonly int _executions;

    public Plan(int seed)
    {
        var random = new Random(seed);
        _steps = [Step.Activity, .. Enumerable.Range(0, random.Next(2, 5)).Select(_ => (Step)random.Next((int)Step.Retry + 1))];
        _executions = random.Next(3) == 0 ? 2 : 1;
    }

    /// <summary>How many events the workflow waits for.</summary>
    public int Events => _executions * _steps.Count(step => step == Step.Event);

    public override string ToString() => $"{_executions} × {string.Join(' ', _steps)}";

    /// <summary>Workflows by name, for a worker.</summary>
    public static Dictionary<string, Action<Script>> Workflows(Plan plan) => new()
    {
        ["plan"] = plan.Run,
        ["child"] = Scripts.Sequence(2),
        ["failing"] = script =>
        {
            if (script.Task(0, "a", script.Started.Input) is not null)
            {
                script.Complete(null, OrchestrationStatus.Failed);
            }
        },
    };

    /// <summary>"flaky" activities fail until the attempt that their input names; all others answer what they were asked.</summary>
    public static string? Activity(ActivityRequest request) =>
        request.Name != "flaky" || request.Input.StartsWith("last", StringComparison.Ordinal)
            ? $"{request.Name}({request.Input})"
            : throw new InvalidOperationException("try again");

    private void Run(Script script)
    {
        var execution = int.Parse(script.Started.Input, CultureInfo.InvariantCulture);
        var id = 0;
        var done = new List<string>();
        foreach (var step in _steps)
        {
            if (Run(script, step, execution, ref id) is not { } result)
            {
                return;
            }

            done.Add(result);
            script.Status = string.Join(' ', done);
        }

        if (execution < _executions)
        {
            script.ContinueAsNew((execution + 1).ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            script.Complete(string.Join(' ', done));
        }
    }

    private static string? Run(Script script, Step step, int execution, ref int id)
    {
        var first = id;
        switch (step)
        {
            case Step.Activity:
                return script.Task(id++, "a", $"{execution}.{first}");
            case Step.FanOut:
                id += 4;
                var results = Enumerable.Range(first, 4).Select(i => script.Task(i, "fan", $"{execution}.{i}")).ToList();
                return results.Contains(null) ? null : string.Join(',', results);
            case Step.Timer:
                return script.Timer(id++, script.StartTime.AddSeconds(30 * first)) ? "timer" : null;
            case Step.Event:
                return script.Event();
            case Step.Child:
                return script.Child(id++, "child", $"{execution}.{first}");
            case Step.FailingChild:
                return script.Child(id++, "failing", "x");
            case Step.Detached:
                script.Act(id++, new WorkflowAction
                {
                    CreateDetachedWorkflow = new CreateDetachedWorkflowAction { Name = "child", Input = "d", InstanceId = $"detached-{execution}-{first}" },
                });
                return "detached";
            default:
                // As the SDKs do it: a failed attempt, a timer, an attempt with a new id; of an activity, then of a child.
                if (script.Task(id++, "flaky", "first") is null || !script.Timer(id++, script.StartTime.AddSeconds(30 * first)) || script.Task(id++, "flaky", "last") is not { } activity)
                {
                    return null;
                }

                return script.Child(id++, "failing", "x") is not null && script.Timer(id++, script.StartTime.AddSeconds(60 * first)) && script.Child(id++, "child", "again") is { } child
                    ? $"{activity} {child}"
                    : null;
        }
    }
}
