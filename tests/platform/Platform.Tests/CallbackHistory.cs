using System.Collections.Concurrent;
using System.Text.Json;
using ScanClient;
using ServiceDefaults;
using Webhooks;

namespace Platform.Tests;

/// <summary>What must come of a task's message.</summary>
internal enum Promise
{
    /// <summary>Its receiver takes it in the end.</summary>
    Delivered,

    /// <summary>Its receiver never does: a dead letter.</summary>
    Dead,
}

/// <summary>
/// The history of desk tasks in a run, and what must hold of it whatever died meanwhile: what was accepted ends once; its end is told under one id with one body,
/// the one that the log has, to whoever takes it; whatever nobody takes is a dead letter; nothing is left under way.
/// </summary>
internal sealed class CallbackHistory
{
    private readonly ConcurrentDictionary<Guid, Promise> _accepted = [];
    private readonly ConcurrentQueue<(Guid Task, IReadOnlyList<SeenEvent> Events)> _streams = [];

    /// <summary>Tasks whose submission was answered.</summary>
    public IReadOnlyCollection<Guid> Accepted => [.. _accepted.Keys];

    /// <summary>The message of a task's end.</summary>
    public static Guid MessageOf(Guid task) => Uuid5.Create(task, "desk.completed");

    /// <summary>A submission was answered with this task.</summary>
    public void Accept(Guid task, Promise promise) => _accepted.TryAdd(task, promise);

    /// <summary>A client has followed a task's stream to the end; all that it saw.</summary>
    public void Follow(Guid task, IReadOnlyList<SeenEvent> events) => _streams.Enqueue((task, events));

    /// <summary>Everything that must not be; empty when the run kept its promises.</summary>
    /// <param name="attempts">What receivers got.</param>
    /// <param name="deliveries">State of each delivery's log, by message.</param>
    /// <param name="deadLetters">Messages of the dead letters, as often as they are listed.</param>
    public IReadOnlyList<string> Check(
        IReadOnlyCollection<CallbackAttempt> attempts, IReadOnlyDictionary<Guid, string> deliveries, IReadOnlyCollection<string> deadLetters) =>
        [.. CheckEnds(), .. CheckAttempts(attempts), .. CheckDeliveries(attempts, deliveries, deadLetters)];

    private IEnumerable<string> CheckEnds()
    {
        var followed = _streams.ToLookup(stream => stream.Task, stream => stream.Events);
        foreach (var task in _accepted.Keys.Where(task => !followed.Contains(task)))
        {
            yield return $"task {task} was accepted and never ended";
        }

        foreach (var (task, events) in _streams)
        {
            if (!_accepted.ContainsKey(task))
            {
                yield return $"task {task} ended and was never accepted";
            }

            var ends = events.Count(seen => seen.Stage == "done");
            if (ends != 1 || events[^1].Stage != "done")
            {
                yield return $"task {task}: {ends} terminal events, the last event is {(events is [.., var last] ? $"{last.Stage}.{last.Status}" : "none")}";
            }

            foreach (var key in events.CountBy(seen => $"{seen.Stage}.{seen.Status}").Where(key => key.Value > 1))
            {
                yield return $"task {task}: {key.Key} came {key.Value} times";
            }
        }
    }

    private IEnumerable<string> CheckAttempts(IReadOnlyCollection<CallbackAttempt> attempts)
    {
        foreach (var forged in attempts.Where(attempt => attempt.Verdict != WebhookVerdict.Genuine))
        {
            yield return $"message {forged.Id}: the signature is {forged.Verdict}";
        }

        foreach (var message in attempts.GroupBy(attempt => attempt.Id, attempt => attempt.Body).Where(message => message.Distinct().Count() > 1))
        {
            yield return $"message {message.Key} has {message.Distinct().Count()} bodies";
        }

        var told = attempts.DistinctBy(attempt => (attempt.Id, attempt.Body)).Select(attempt => (attempt.Id, Data: JsonElement.Parse(attempt.Body).GetProperty("data"))).ToArray();
        foreach (var task in told.GroupBy(one => one.Data.GetProperty("task_id").GetGuid(), one => one.Id).Where(task => task.Distinct().Count() > 1))
        {
            yield return $"task {task.Key} was told under {task.Distinct().Count()} ids";
        }

        var ends = _streams.Where(stream => stream.Events.Count > 0).DistinctBy(stream => stream.Task).ToDictionary(stream => stream.Task, stream => stream.Events[^1].Status);
        foreach (var (id, data) in told)
        {
            var (task, status) = (data.GetProperty("task_id").GetGuid(), data.GetProperty("status").GetString());
            if (!_accepted.ContainsKey(task))
            {
                yield return $"task {task} was told and never accepted";
            }
            else if (id != $"{MessageOf(task)}")
            {
                yield return $"task {task} was told as message {id}, which is not its own";
            }

            if (ends.GetValueOrDefault(task) is { } end && end != (status == "success" ? "completed" : status))
            {
                yield return $"task {task} is {end} in its log and was told as {status}";
            }
        }
    }

    private IEnumerable<string> CheckDeliveries(
        IReadOnlyCollection<CallbackAttempt> attempts, IReadOnlyDictionary<Guid, string> deliveries, IReadOnlyCollection<string> deadLetters)
    {
        // What a receiver did that knows the ids of what it has done.
        var effects = attempts.Where(attempt => attempt.IsTaken).Select(attempt => attempt.Id).Distinct().ToHashSet(StringComparer.Ordinal);
        var letters = deadLetters.CountBy(letter => letter).ToDictionary();
        foreach (var (task, promise) in _accepted)
        {
            var message = MessageOf(task);
            var state = deliveries.GetValueOrDefault(message) ?? "missing";
            var isDead = promise == Promise.Dead;
            if (state != (isDead ? "dead" : "delivered"))
            {
                yield return $"task {task}: its delivery is {state} where {(isDead ? "dead" : "delivered")} was due";
            }

            if (effects.Contains($"{message}") == isDead)
            {
                yield return $"task {task}: its message {(isDead ? "was taken by who takes none" : "was never taken")}";
            }

            if (letters.GetValueOrDefault($"{message}") != (isDead ? 1 : 0))
            {
                yield return $"task {task}: {letters.GetValueOrDefault($"{message}")} dead letters where {(isDead ? 1 : 0)} was due";
            }
        }

        var known = _accepted.Keys.Select(task => $"{MessageOf(task)}").ToHashSet(StringComparer.Ordinal);
        foreach (var letter in letters.Keys.Where(letter => !known.Contains(letter)))
        {
            yield return $"dead letter {letter} is no message of these tasks";
        }
    }
}
