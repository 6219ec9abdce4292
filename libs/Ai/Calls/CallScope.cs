using Microsoft.Extensions.AI;

namespace Ai.Calls;

/// <summary>How urgent a call is in the admission queue; the first is served first.</summary>
public enum CallPriority
{
    /// <summary>Checks that everything waits for.</summary>
    Guardrail,

    /// <summary>Decides which way a turn goes.</summary>
    Router,

    /// <summary>Writes what the person sees.</summary>
    Children,

    /// <summary>Polishes what the person sees. Default.</summary>
    Dialogue,

    /// <summary>Nobody waits for it.</summary>
    Summary,
}

/// <summary>Who asks a model, for what, how urgently: limits, budgets and telemetry go by it.</summary>
public sealed record CallScope
{
    /// <summary>Nobody in particular.</summary>
    public static readonly CallScope None = new();

    /// <summary>Key in <see cref="ChatOptions.AdditionalProperties"/> and its like under which a caller passes the scope.</summary>
    public const string Key = "scope";

    /// <summary>User id; null for work of the platform itself.</summary>
    public string? User { get; init; }

    /// <summary>Session or conversation; null outside of one.</summary>
    public string? Session { get; init; }

    /// <summary>Task, e.g. <c>waste-vision</c>; the local provider chooses its skill by it.</summary>
    public string? Task { get; init; }

    /// <summary>The prompt of the call with its version, e.g. <c>vision.system@2</c>: <see cref="Prompts.Prompt.Id"/>.</summary>
    public string? Prompt { get; init; }

    /// <summary>Urgency.</summary>
    public CallPriority Priority { get; init; } = CallPriority.Dialogue;

    /// <summary>
    /// True keeps the answer for equal calls although the model may answer differently each time; false wants one of its own, as after an answer that was
    /// of no use. Null (default): kept where it would come out the same.
    /// </summary>
    public bool? Cache { get; init; }

    /// <summary>The scope that options carry, or <see cref="None"/>.</summary>
    public static CallScope Of(AdditionalPropertiesDictionary? properties) => properties?.GetValueOrDefault(Key) as CallScope ?? None;
}
