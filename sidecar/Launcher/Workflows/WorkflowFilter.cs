using System.Globalization;
using Sidecar.Abstractions;
using Tandem.Protocol.Workflows;

namespace Launcher.Workflows;

/// <summary>Which instances a verb is about.</summary>
internal sealed record WorkflowFilter
{
    private static readonly IReadOnlyDictionary<string, OrchestrationStatus> Statuses = Enum.GetValues<OrchestrationStatus>().ToDictionary(Name);

    public string? WorkflowName { get; init; }

    public OrchestrationStatus? Status { get; init; }

    /// <summary>Created after this.</summary>
    public DateTimeOffset? After { get; init; }

    /// <summary>Created before this.</summary>
    public DateTimeOffset? Before { get; init; }

    public bool Matches(WorkflowState state) =>
        (WorkflowName is null || state.Name == WorkflowName)
        && (Status is null || state.WorkflowStatus == Status)
        && (After is null || state.CreatedTimestamp.ToDateTimeOffset() >= After)
        && (Before is null || state.CreatedTimestamp.ToDateTimeOffset() < Before);

    /// <summary><c>RUNNING</c>, <c>COMPLETED</c> … as the HTTP API and the dapr CLI write them.</summary>
    public static string Name(OrchestrationStatus status) => string.Concat(
        status.ToString().Select((character, index) => index > 0 && char.IsUpper(character) ? $"_{character}" : $"{char.ToUpperInvariant(character)}"));


    public static bool HasEnded(WorkflowState state) => state.WorkflowStatus
        is OrchestrationStatus.Completed or OrchestrationStatus.Failed or OrchestrationStatus.Terminated or OrchestrationStatus.Canceled;

    public static OrchestrationStatus? ReadStatus(string option, string? text) => text is null ? null
        : Statuses.TryGetValue(text.ToUpperInvariant(), out var status) ? status
        : throw new LauncherException($"{option} '{text}' is no status{Nearest.Hint(text, Statuses.Keys)}; there are {string.Join(", ", Statuses.Keys)}", 2);

    /// <summary>A moment: a duration before now, such as <c>36h</c>, or an RFC 3339 time.</summary>
    public static DateTimeOffset? ReadTime(string option, string? text, DateTimeOffset now) => text is null ? null
        : GoDuration.TryParse(text, out var age) ? now - age
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time
        : throw new LauncherException($"{option} '{text}' must be a duration such as 36h or a time such as 2026-01-31T12:00:00Z", 2);
}
