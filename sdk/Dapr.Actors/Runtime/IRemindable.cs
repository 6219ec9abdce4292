namespace Dapr.Actors.Runtime;

/// <summary>Implemented by actors that have reminders.</summary>
public interface IRemindable
{
    /// <summary>A reminder is due. <paramref name="state"/> is what it was registered with; empty when there was nothing.</summary>
    Task ReceiveReminderAsync(string reminderName, byte[] state, TimeSpan dueTime, TimeSpan period);
}
