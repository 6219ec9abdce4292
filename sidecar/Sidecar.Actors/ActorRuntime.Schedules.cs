using Sidecar.Actors.Reminders;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.State;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <content>Timers and reminders.</content>
public sealed partial class ActorRuntime
{
    /// <summary>Starts a timer of an actor that is active here, in place of one with its name.</summary>
    public void RegisterTimer(string type, string id, string name, ActorTimerRequest request)
    {
        ActorKey.CheckSegment(name, "timer name");
        var activation = _system.FindActive(ActorKey.Of(type, id), App) ?? throw ActorErrors.TimerCreate("the actor is not active here");
        try
        {
            activation.Timers.Register(name, request, Schedule.Parse(request.DueTime, request.Period, request.Ttl, _system.Time.GetUtcNow(), isReminder: false));
        }
        catch (FormatException exception)
        {
            throw ActorErrors.TimerCreate(exception.Message, exception);
        }
    }

    /// <summary>Stops a timer; one that is not there is no error.</summary>
    public void UnregisterTimer(string type, string id, string name) => _system.FindActive(ActorKey.Of(type, id), App)?.Timers.Unregister(name);

    /// <summary>Writes a reminder; durable when it returns.</summary>
    public async Task RegisterReminderAsync(string type, string id, string name, ActorReminderRequest request, CancellationToken cancellationToken)
    {
        ActorKey.CheckSegment(name, "reminder name");
        var (key, store) = HostedReminder(type, id, name);
        bool written;
        try
        {
            var schedule = Schedule.Parse(request.DueTime, request.Period, request.Ttl, _system.Time.GetUtcNow(), isReminder: true);
            written = await _system.Reminders.PutAsync(store, ReminderRecord.Create(key, request, schedule), request.Overwrite, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw ActorErrors.Reminder("CREATE", "creating", exception);
        }

        if (!written)
        {
            throw ActorErrors.ReminderExists(name);
        }
    }

    /// <summary>The reminder; ERR_ACTOR_REMINDER_NOT_FOUND when it is not there.</summary>
    public ActorReminder GetReminder(string type, string id, string name) =>
        _system.Reminders.Find(HostedReminder(type, id, name).Key) ?? throw ActorErrors.ReminderNotFound(name);

    /// <summary>The reminders of an actor, or of all actors of a type.</summary>
    public IReadOnlyList<ActorReminder> ListReminders(string type, string? id)
    {
        CheckHosted(type);
        return _system.Reminders.List(type, id);
    }

    /// <summary>Removes a reminder; one that is not there is no error.</summary>
    public Task UnregisterReminderAsync(string type, string id, string name, CancellationToken cancellationToken) =>
        DeleteAsync([HostedReminder(type, id, name).Key], cancellationToken);

    /// <summary>Removes the reminders of an actor, or of all actors of a type.</summary>
    public Task UnregisterRemindersAsync(string type, string? id, CancellationToken cancellationToken)
    {
        CheckHosted(type);
        return DeleteAsync(_system.Reminders.Keys(type, id), cancellationToken);
    }

    private async Task DeleteAsync(IReadOnlyList<ReminderKey> keys, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(keys.Select(key => _system.Reminders.DeleteAsync(key, cancellationToken)));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw ActorErrors.Reminder("DELETE", "deleting", exception);
        }
    }

    private (ReminderKey Key, ActorStore Store) HostedReminder(string type, string id, string name)
    {
        var key = new ReminderKey(ActorKey.Of(type, id), name);
        return (key, CheckHosted(type));
    }

    /// <summary>Reminders are for the app's own types.</summary>
    private ActorStore CheckHosted(string type)
    {
        if (ActorKey.IsReserved(type))
        {
            throw ActorErrors.Reserved(type);
        }

        var store = _store ?? throw ActorErrors.RuntimeNotFound();
        return Host?.Types.ContainsKey(type) == true ? store : throw ActorErrors.NotHosted(type);
    }
}
