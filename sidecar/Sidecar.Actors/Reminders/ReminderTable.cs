using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.State;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;
using Sidecar.Runtime.App;

namespace Sidecar.Actors.Reminders;

/// <summary>
/// All reminders: durable in the store of the app that registered them, in memory ordered by their time, so the store is read at the start
/// only. A reminder fires at least once per tick (<see cref="ReminderRecord"/>) and waits for as long as nobody hosts its actor.
/// </summary>
internal sealed partial class ReminderTable(ActorSystem system)
{
    private const int LoadBatch = 256;

    /// <summary>Below this no app has actors, since such types are reserved.</summary>
    private const string Area = "dapr.internal.reminders";

    private readonly ConcurrentDictionary<ReminderKey, Reminder> _reminders = [];

    /// <summary>Writers of one reminder take turns.</summary>
    private readonly SemaphoreSlim[] _writers = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Reads what the app's store holds.</summary>
    public async Task LoadAsync(ActorStore store, CancellationToken cancellationToken)
    {
        var keys = new List<string>();
        await foreach (var key in store.ListKeysAsync(store.Prefix(Area), cancellationToken))
        {
            keys.Add(key);
        }

        foreach (var batch in keys.Chunk(LoadBatch))
        {
            foreach (var (key, item) in batch.Zip(await store.GetManyAsync(batch, cancellationToken)))
            {
                if (item is not null)
                {
                    Load(store, key, item);
                }
            }
        }
    }

    public ActorReminder? Find(ReminderKey key) => _reminders.TryGetValue(key, out var reminder) ? View(reminder.Record) : null;

    /// <summary>The reminders of an actor, or of all actors of a type.</summary>
    public IReadOnlyList<ActorReminder> List(string type, string? id) => [.. Keys(type, id).Select(Find).OfType<ActorReminder>()];

    public IReadOnlyList<ReminderKey> Keys(string type, string? id) =>
        [.. _reminders.Keys.Where(key => key.Actor.Type == type && (id is null || key.Actor.Id == id)).OrderBy(key => key.Actor.Id, StringComparer.Ordinal).ThenBy(key => key.Name, StringComparer.Ordinal)];

    /// <summary>Writes a reminder in place of one of its name; false when there is one that may not be replaced.</summary>
    public Task<bool> PutAsync(ActorStore store, ReminderRecord record, bool overwrite, CancellationToken cancellationToken) =>
        WriteAsync(record.Key, async () =>
        {
            var old = _reminders.GetValueOrDefault(record.Key);
            if (old is not null && !overwrite)
            {
                return false;
            }

            // Where it was first: an actor that has moved to another app still has one record.
            var home = old?.Home ?? store;
            await SaveAsync(home, record, isDeleted: false, cancellationToken);
            Replace(old, new Reminder(home, record));
            return true;
        }, cancellationToken);

    public Task DeleteAsync(ReminderKey key, CancellationToken cancellationToken) => WriteAsync(key, async () =>
    {
        if (_reminders.GetValueOrDefault(key) is { } reminder)
        {
            await SaveAsync(reminder.Home, reminder.Record, isDeleted: true, cancellationToken);
            Replace(reminder, null);
        }

        return true;
    }, cancellationToken);

    private static ActorReminder View(ReminderRecord record) => new(
        record.Type, record.Id, record.Name, record.DueTime, record.Period, record.Ttl,
        record.Data is { } data ? JsonSerializer.SerializeToUtf8Bytes(data) : null);

    private static Task SaveAsync(ActorStore home, ReminderRecord record, bool isDeleted, CancellationToken cancellationToken)
    {
        var (actor, name) = record.Key;
        var key = $"{home.Prefix(Area)}{Uri.EscapeDataString(actor.Type)}||{Uri.EscapeDataString(actor.Id)}||{Uri.EscapeDataString(name)}";
        return home.TransactAsync([new StateWrite(key, isDeleted ? null : record.ToJson())], cancellationToken);
    }

    private void Load(ActorStore store, string key, StateItem item)
    {
        try
        {
            var record = ReminderRecord.Parse(item.Value.Span);
            Replace(_reminders.GetValueOrDefault(record.Key), new Reminder(store, record));
        }
        catch (JsonException exception)
        {
            LogUnreadable(system.Logger, key, exception.Message);
        }
    }

    private async Task<bool> WriteAsync(ReminderKey key, Func<Task<bool>> write, CancellationToken cancellationToken)
    {
        var writer = _writers[(uint)key.GetHashCode() % (uint)_writers.Length];
        await writer.WaitAsync(cancellationToken);
        try
        {
            return await write();
        }
        finally
        {
            writer.Release();
        }
    }

    private void Replace(Reminder? old, Reminder? next)
    {
        if (old is not null)
        {
            system.Due.Cancel(old.Entry!);
            _reminders.TryRemove(old.Record.Key, out _);
        }

        if (next is not null)
        {
            next.Entry = new DueEntry(() => FireAsync(next));
            _reminders[next.Record.Key] = next;
            system.Due.Schedule(next.Entry, next.Record.Next);
        }
    }

    private bool IsCurrent(Reminder reminder) => _reminders.GetValueOrDefault(reminder.Record.Key) == reminder;

    private async Task FireAsync(Reminder reminder)
    {
        var (actor, name) = reminder.Record.Key;
        try
        {
            await system.InTurnAsync(actor, chain: null, patient: true, async (activation, chain) =>
            {
                if (IsCurrent(reminder))
                {
                    await TickAsync(reminder, activation, chain);
                }

                return true;
            }, CancellationToken.None);
        }
        catch (DaprErrorException exception) when (exception.ErrorCode == "ERR_ACTOR_RUNTIME_CLOSED")
        {
            // The record says when it was due: the next start fires it.
        }
        catch (Exception exception)
        {
            LogFailed(system.Logger, name, actor.Type, actor.Id, exception.Message);
            system.Due.Schedule(reminder.Entry!, system.Time.GetUtcNow() + ActorFailurePolicy.Default.Interval);
        }
    }

    /// <summary>In a turn: tells the app, then writes down that it knows. What the callback does to the reminder itself has the last word.</summary>
    private async Task TickAsync(Reminder reminder, Activation activation, string? chain)
    {
        var record = reminder.Record;
        var now = system.Time.GetUtcNow();
        var isOver = record.Expires <= now;
        if (!isOver)
        {
            activation.LastUsed = now;
            try
            {
                var body = ActorData.Body(null, record.Data, record.DueTime, record.Period);
                isOver = await system.LimitAsync(
                    activation, token => AppCalls.FireAsync(activation, "remind", record.Name, body, chain, token), CancellationToken.None);
                reminder.Failures = 0;
            }
            catch (Exception exception)
            {
                LogFailed(system.Logger, record.Name, record.Type, record.Id, exception.Message);
                if (exception is AppUnreachableException { NotSent: true })
                {
                    // The app has not seen it: its host will be gone in a moment, and the reminder waits for another.
                    Schedule(reminder, system.Time.GetUtcNow() + ActorFailurePolicy.Default.Interval);
                    return;
                }

                if (record.MaxRetries is not { } retries || reminder.Failures < retries)
                {
                    reminder.Failures++;
                    Schedule(reminder, system.Time.GetUtcNow() + record.RetryInterval);
                    return;
                }

                reminder.Failures = 0;
            }

            activation.LastUsed = system.Time.GetUtcNow();
        }

        await AdvanceAsync(reminder, isOver ? null : record.After(system.Time.GetUtcNow()));
    }

    private Task AdvanceAsync(Reminder reminder, ReminderRecord? next) => WriteAsync(reminder.Record.Key, async () =>
    {
        if (!IsCurrent(reminder))
        {
            return false;
        }

        try
        {
            await SaveAsync(reminder.Home, next ?? reminder.Record, isDeleted: next is null, CancellationToken.None);
        }
        catch (Exception exception)
        {
            // After a restart this tick fires again; until then memory knows better.
            LogNotSaved(system.Logger, reminder.Record.Name, reminder.Record.Type, reminder.Record.Id, exception.Message);
        }

        if (next is null)
        {
            Replace(reminder, null);
        }
        else
        {
            reminder.Record = next;
            system.Due.Schedule(reminder.Entry!, next.Next);
        }

        return true;
    }, CancellationToken.None);

    private void Schedule(Reminder reminder, DateTimeOffset due)
    {
        if (IsCurrent(reminder))
        {
            system.Due.Schedule(reminder.Entry!, due);
        }
    }

    /// <summary>One registration; a later one of the same name is another.</summary>
    private sealed class Reminder(ActorStore home, ReminderRecord record)
    {
        public ActorStore Home { get; } = home;

        public ReminderRecord Record { get; set; } = record;

        public DueEntry? Entry { get; set; }

        /// <summary>Failed tries of this tick.</summary>
        public int Failures { get; set; }
    }

    [LoggerMessage(5030, LogLevel.Warning, "Reminder {Name} of actor {Type}/{Id} failed: {Problem}")]
    private static partial void LogFailed(ILogger logger, string name, string type, string id, string problem);

    [LoggerMessage(5031, LogLevel.Error, "Reminder {Name} of actor {Type}/{Id}: its tick could not be recorded: {Problem}")]
    private static partial void LogNotSaved(ILogger logger, string name, string type, string id, string problem);

    [LoggerMessage(5032, LogLevel.Error, "The reminder under key {Key} cannot be read: {Problem}")]
    private static partial void LogUnreadable(ILogger logger, string key, string problem);
}
