namespace Dapr.Actors.Runtime;

/// <summary>Keeps the timers and reminders of actors; a test replaces it by its own.</summary>
public abstract class ActorTimerManager
{
    /// <summary>Adds a reminder, or replaces the one of its name.</summary>
    public abstract Task RegisterReminderAsync(ActorReminder reminder);

    /// <summary>Removes a reminder.</summary>
    public abstract Task UnregisterReminderAsync(ActorReminderToken reminder);

    /// <summary>Returns a reminder; null when there is none of the name.</summary>
    public abstract Task<IActorReminder> GetReminderAsync(ActorReminderToken reminder);

    /// <summary>Adds a timer, or replaces the one of its name.</summary>
    public abstract Task RegisterTimerAsync(ActorTimer timer);

    /// <summary>Removes a timer.</summary>
    public abstract Task UnregisterTimerAsync(ActorTimerToken timer);
}
