using System.Runtime.InteropServices;
using System.Text.Json;
using Contracts.Jobs;

namespace EventRouter.Logs;

/// <summary>What an append command must look like before it reaches a log.</summary>
internal static class AppendCommandRules
{
    /// <summary>Most events of one command.</summary>
    public const int MaxEvents = 64;

    private const int MaxKeyLength = 128;
    private const int MaxWordLength = 32;

    /// <summary>Names with a meaning of their own on an SSE stream: a stage becomes the <c>event:</c> field.</summary>
    private static readonly HashSet<string> ReservedStages = ["error", "open", "message", "keepalive", "stream"];

    private static readonly HashSet<string> TerminalStatuses = [JobWords.Completed, JobWords.Failed, JobWords.Cancelled];

    /// <summary>The first thing that is wrong, as a sentence, or null.</summary>
    public static string? Check(AppendJobEvents command)
    {
        if (command.Events is not { Count: >= 1 and <= MaxEvents })
        {
            return $"A command has 1 to {MaxEvents} events";
        }

        foreach (var input in command.Events)
        {
            if (Check(input) is { } wrong)
            {
                return wrong;
            }
        }

        return command.Create is { } create && (string.IsNullOrWhiteSpace(create.Owner) || string.IsNullOrWhiteSpace(create.App))
            ? "A new job needs an owner and an app"
            : null;
    }

    /// <summary>Bytes that an entry takes in its document, at least: what decides when a chunk is sealed.</summary>
    public static int SizeOf(JobEvent entry) =>
        180 + entry.Key.Length + entry.Stage.Length + entry.Status.Length + (3 * (entry.Message?.Length ?? 0)) + SizeOf(entry.Result);

    /// <summary>Bytes of the parts of a command whose size its producer chooses.</summary>
    public static int SizeOf(AppendJobEvents command)
    {
        var bytes = 0;
        foreach (var input in command.Events)
        {
            bytes += (3 * (input.Message?.Length ?? 0)) + SizeOf(input.Result);
        }

        return bytes;
    }

    private static int SizeOf(JsonElement? result) =>
        result is { ValueKind: not JsonValueKind.Undefined } value ? JsonMarshal.GetRawUtf8Value(value).Length : 0;

    private static string? Check(JobEventInput input)
    {
        if (string.IsNullOrEmpty(input.Key) || input.Key.Length > MaxKeyLength)
        {
            return $"An event key has 1 to {MaxKeyLength} characters";
        }

        if (!IsWord(input.Stage) || !IsWord(input.Status))
        {
            return "Stage and status are words of lower-case letters, digits and '_'";
        }

        if (ReservedStages.Contains(input.Stage))
        {
            return $"'{input.Stage}' is not a stage: the name is reserved on event streams";
        }

        return input.Stage == JobWords.Done && !TerminalStatuses.Contains(input.Status)
            ? "The stage 'done' is completed, failed or cancelled"
            : null;
    }

    private static bool IsWord(string? word)
    {
        if (string.IsNullOrEmpty(word) || word.Length > MaxWordLength)
        {
            return false;
        }

        foreach (var c in word)
        {
            if (c is not ((>= 'a' and <= 'z') or (>= '0' and <= '9') or '_'))
            {
                return false;
            }
        }

        return true;
    }
}
