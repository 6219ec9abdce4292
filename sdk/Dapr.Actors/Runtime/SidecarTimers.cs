using System.Text.Json;
using Dapr.Actors.Communication;

namespace Dapr.Actors.Runtime;

/// <summary>Timers and reminders, kept by the sidecar (dapr-sdk §6.2, HTTP §6.2).</summary>
internal sealed class SidecarTimers(ActorSidecar sidecar) : ActorTimerManager
{
    private const string Reminders = "reminders";
    private const string Timers = "timers";

    public override Task RegisterReminderAsync(ActorReminder reminder) => sidecar.PutScheduleAsync(
        reminder.ActorType, reminder.ActorId, Reminders, reminder.Name,
        Write(writer =>
        {
            writer.WriteString("dueTime", Schedule.Format(reminder.DueTime));
            writer.WriteString("period", Schedule.FormatPeriod(reminder.Period, reminder.Repetitions));
            writer.WriteBase64String("data", reminder.State);
            WriteTtl(writer, reminder.Ttl);
        }),
        CancellationToken.None);

    public override Task UnregisterReminderAsync(ActorReminderToken reminder) =>
        sidecar.DeleteScheduleAsync(reminder.ActorType, reminder.ActorId, Reminders, reminder.Name, CancellationToken.None);

    public override async Task<IActorReminder> GetReminderAsync(ActorReminderToken reminder)
    {
        var answer = await sidecar.GetReminderAsync(reminder.ActorType, reminder.ActorId, reminder.Name, CancellationToken.None).ConfigureAwait(false);
        if (answer is not { Length: > 0 } || ScheduledCall.Read(answer) is not { } call)
        {
            return null!;
        }

        return new ActorReminder(
            reminder.ActorType, reminder.ActorId, reminder.Name, call.Data, call.DueTime, call.Period, call.Repetitions, call.Ttl);
    }

    public override Task RegisterTimerAsync(ActorTimer timer) => sidecar.PutScheduleAsync(
        timer.ActorType, timer.ActorId, Timers, timer.Name,
        Write(writer =>
        {
            writer.WriteString("dueTime", Schedule.Format(timer.DueTime));
            if (timer.Period >= TimeSpan.Zero)
            {
                writer.WriteString("period", Schedule.Format(timer.Period));
            }

            writer.WriteBase64String("data", timer.Data);
            writer.WriteString("callback", timer.TimerCallback);
            WriteTtl(writer, timer.Ttl);
        }),
        CancellationToken.None);

    public override Task UnregisterTimerAsync(ActorTimerToken timer) =>
        sidecar.DeleteScheduleAsync(timer.ActorType, timer.ActorId, Timers, timer.Name, CancellationToken.None);

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteTtl(Utf8JsonWriter writer, TimeSpan? ttl)
    {
        if (ttl is { } time)
        {
            writer.WriteString("ttl", Schedule.Format(time));
        }
    }
}
