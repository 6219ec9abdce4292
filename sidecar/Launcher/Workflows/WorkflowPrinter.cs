using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Launcher.Commands;
using Launcher.Run;
using Tandem.Protocol.Workflows;

namespace Launcher.Workflows;

/// <summary>Instances and histories as tables for people, or as JSON.</summary>
internal static class WorkflowPrinter
{
    private const int LongestCell = 120;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        WriteIndented = true,
    };

    public static void Print(string format, string appId, IReadOnlyList<WorkflowState> states, DateTimeOffset now)
    {
        if (format == "json")
        {
            Console.WriteLine(JsonSerializer.Serialize(states.Select(state => Summary(appId, state)), Json));
            return;
        }

        var wide = format == "wide";
        string[] title = ["app", "name", "id", "status", "age", "took"];
        PrintTable(
            wide ? [.. title, "created", "last update", "custom status", "failure"] : title,
            states.Select(state => (string[])
            [
                appId, state.Name, state.InstanceId, WorkflowFilter.Name(state.WorkflowStatus), ListCommand.Age(now - state.CreatedTimestamp.ToDateTimeOffset()),
                WorkflowFilter.HasEnded(state) ? Span(state.CreatedTimestamp, state.LastUpdatedTimestamp) : "-",
                .. wide ? (string[])[Text(state.CreatedTimestamp), Text(state.LastUpdatedTimestamp), state.CustomStatus ?? "", state.FailureDetails?.ErrorMessage ?? ""] : [],
            ]));
    }

    public static void Print(string format, IReadOnlyList<HistoryEvent> history)
    {
        if (format == "json")
        {
            Console.WriteLine($"[\n{string.Join(",\n", history.Select(e => JsonFormatter.Default.Format(e)))}\n]");
            return;
        }

        var names = history.Where(e => NameOf(e) is not null && e.EventId >= 0).GroupBy(e => e.EventId).ToDictionary(group => group.Key, group => NameOf(group.First())!);
        PrintTable(
            ["time", "after", "event", "name", "id", "details"],
            history.Select(e => (string[])
            [
                Text(e.Timestamp), Span(history[0].Timestamp, e.Timestamp), e.EventTypeCase.ToString(), NameOf(e) ?? names.GetValueOrDefault(CauseOf(e)) ?? "",
                CauseOf(e) >= 0 ? string.Create(CultureInfo.InvariantCulture, $"{CauseOf(e)}") : "", Details(e, format == "wide"),
            ]));
    }

    /// <summary>What a status change led to.</summary>
    public static string Line(string appId, WorkflowState state) => $"{state.InstanceId} of {appId} is {WorkflowFilter.Name(state.WorkflowStatus)}";

    /// <summary>Names as in <c>dapr workflow list -o json</c>, and the payloads.</summary>
    private static object Summary(string appId, WorkflowState state) => new
    {
        AppID = appId,
        state.Name,
        InstanceID = state.InstanceId,
        Status = WorkflowFilter.Name(state.WorkflowStatus),
        Created = state.CreatedTimestamp?.ToDateTimeOffset(),
        LastUpdate = state.LastUpdatedTimestamp?.ToDateTimeOffset(),
        state.CustomStatus,
        FailureType = state.FailureDetails?.ErrorType,
        FailureMessage = state.FailureDetails?.ErrorMessage,
        state.Input,
        state.Output,
    };

    private static string? NameOf(HistoryEvent e) =>
        e.ExecutionStarted?.Name ?? e.TaskScheduled?.Name ?? e.ChildWorkflowInstanceCreated?.Name ?? e.EventRaised?.Name ?? e.EventSent?.Name ?? e.TimerCreated?.Name;

    /// <summary>The id of the event that a completion belongs to, else that of the event itself.</summary>
    private static int CauseOf(HistoryEvent e) => e.TaskCompleted?.TaskScheduledId ?? e.TaskFailed?.TaskScheduledId
        ?? e.ChildWorkflowInstanceCompleted?.TaskScheduledId ?? e.ChildWorkflowInstanceFailed?.TaskScheduledId ?? e.TimerFired?.TimerId ?? e.EventId;

    private static string Details(HistoryEvent e, bool payloads) => e switch
    {
        { TaskFailed.FailureDetails: { } failure } => $"{failure.ErrorType}: {failure.ErrorMessage}",
        { ChildWorkflowInstanceFailed.FailureDetails: { } failure } => $"{failure.ErrorType}: {failure.ErrorMessage}",
        { ExecutionCompleted: { FailureDetails: { } failure } } => $"{failure.ErrorType}: {failure.ErrorMessage}",
        { ExecutionCompleted: { } ended } => WorkflowFilter.Name(ended.WorkflowStatus) + (payloads ? $" {ended.Result}" : ""),
        { ChildWorkflowInstanceCreated: { } child } => child.InstanceId,
        { TimerCreated: { } timer } => $"fires at {Text(timer.FireAt)}",
        { ExecutionStalled: { } stalled } => stalled.Description,
        _ when !payloads => "",
        { ExecutionStarted: { } started } => started.Input ?? "",
        { TaskScheduled: { } task } => task.Input ?? "",
        { TaskCompleted: { } task } => task.Result ?? "",
        { ChildWorkflowInstanceCompleted: { } child } => child.Result ?? "",
        { EventRaised: { } raised } => raised.Input ?? "",
        { ExecutionTerminated: { } terminated } => terminated.Input ?? "",
        _ => "",
    };

    private static void PrintTable(string[] title, IEnumerable<string[]> rows)
    {
        foreach (var line in ReadyTable.Layout([title, .. rows.Select(row => row.Select(Cell).ToArray())]))
        {
            Console.WriteLine(line);
        }
    }

    private static string Cell(string text) => text.ReplaceLineEndings(" ") is var line && line.Length > LongestCell ? line[..LongestCell] + "…" : line;

    private static string Text(Timestamp? time) => time?.ToDateTimeOffset().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "-";

    private static string Span(Timestamp from, Timestamp to) =>
        string.Create(CultureInfo.InvariantCulture, $"{(to.ToDateTimeOffset() - from.ToDateTimeOffset()).TotalSeconds:0.000}s");
}
