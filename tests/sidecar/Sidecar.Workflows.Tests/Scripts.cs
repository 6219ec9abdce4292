using Tandem.Protocol.Workflows;
using EventKind = Tandem.Protocol.Workflows.HistoryEvent.EventTypeOneofCase;

namespace Sidecar.Workflows.Tests;

internal static class Scripts
{
    /// <summary>n activities, each fed with the result before.</summary>
    public static Action<Script> Sequence(int n) => script =>
    {
        var value = script.Started.Input;
        for (var i = 0; i < n; i++)
        {
            if (script.Task(i, "a", value) is not { } result)
            {
                return;
            }

            value = result;
        }

        script.Complete(value);
    };

    /// <summary>n activities at once; their results, joined.</summary>
    public static Action<Script> Parallel(int n) => script =>
    {
        var results = Enumerable.Range(0, n).Select(i => script.Task(i, "p", "x")).ToList();
        if (results.TrueForAll(result => result is not null))
        {
            script.Complete(string.Join(',', results));
        }
    };

    /// <summary>
    /// Everything at once: two activities, three parallel ones, a timer, a child, an external event, continue-as-new,
    /// and one more activity.
    /// </summary>
    public static void Everything(Script script)
    {
        var input = script.Started.Input;
        if (input.StartsWith("second:", StringComparison.Ordinal))
        {
            if (script.Task(0, "last", input) is { } last)
            {
                script.Complete(last);
            }

            return;
        }

        if (script.Task(0, "a", input) is not { } first || script.Task(1, "b", first) is not { } second)
        {
            return;
        }

        string?[] parallel = [script.Task(2, "p", "1"), script.Task(3, "p", "2"), script.Task(4, "p", "3")];
        if (parallel.Any(result => result is null) || !script.Timer(5, DateTimeOffset.UnixEpoch) || script.Child(6, "child", "c") is not { } child)
        {
            return;
        }

        script.Status = "waiting";
        if (script.Event() is { } go)
        {
            script.ContinueAsNew($"second:{second},{string.Concat(parallel)},{child},{go}");
        }
    }

    public const string EverythingResult = "last(second:b(a(in)),p(1)p(2)p(3),a(c),go)";
}

internal static class HistoryCheck
{
    /// <summary>Every resolution follows its cause and comes once; ids of causes are unique; an end is the last and only one.</summary>
    public static void Valid(IReadOnlyList<HistoryEvent> history, bool ended = true)
    {
        Assert.Equal(EventKind.WorkflowStarted, history[0].EventTypeCase);
        Assert.Equal(EventKind.ExecutionStarted, history[1].EventTypeCase);
        Assert.Single(history, e => e.EventTypeCase == EventKind.ExecutionStarted);
        Assert.Equal(ended ? 1 : 0, history.Count(e => e.EventTypeCase == EventKind.ExecutionCompleted));
        var open = new HashSet<(string, int)>();
        var seen = new HashSet<int>();
        foreach (var e in history)
        {
            switch (e.EventTypeCase)
            {
                case EventKind.TaskScheduled: Assert.True(seen.Add(e.EventId)); open.Add(("task", e.EventId)); break;
                case EventKind.TimerCreated: Assert.True(seen.Add(e.EventId)); open.Add(("timer", e.EventId)); break;
                case EventKind.ChildWorkflowInstanceCreated: Assert.True(seen.Add(e.EventId)); open.Add(("child", e.EventId)); break;
                case EventKind.TaskCompleted: Assert.True(open.Remove(("task", e.TaskCompleted.TaskScheduledId))); break;
                case EventKind.TaskFailed: Assert.True(open.Remove(("task", e.TaskFailed.TaskScheduledId))); break;
                case EventKind.TimerFired: Assert.True(open.Remove(("timer", e.TimerFired.TimerId))); break;
                case EventKind.ChildWorkflowInstanceCompleted: Assert.True(open.Remove(("child", e.ChildWorkflowInstanceCompleted.TaskScheduledId))); break;
                case EventKind.ChildWorkflowInstanceFailed: Assert.True(open.Remove(("child", e.ChildWorkflowInstanceFailed.TaskScheduledId))); break;
            }
        }
    }
}
