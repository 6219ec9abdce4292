using System.Text.Json;
using System.Text.Json.Serialization;
using Sidecar.Actors.Schedules;

namespace Sidecar.Actors.Reminders;

/// <summary>Which reminder.</summary>
internal readonly record struct ReminderKey(ActorKey Actor, string Name);

/// <summary>
/// What the store holds of a reminder. <see cref="Next"/> decides after a crash: it is written after the app has taken a tick, so a tick
/// whose record was not written fires again. Retries of a failed tick are not recorded either: they begin anew.
/// </summary>
internal sealed record ReminderRecord
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required string Type { get; init; }

    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>As registered.</summary>
    public string DueTime { get; init; } = "";

    /// <summary>As registered.</summary>
    public string Period { get; init; } = "";

    /// <summary>As registered.</summary>
    public string Ttl { get; init; } = "";

    public JsonElement? Data { get; init; }

    public TimeSpan RetryInterval { get; init; }

    public int? MaxRetries { get; init; }

    /// <summary>When it is due.</summary>
    public DateTimeOffset Next { get; init; }

    /// <summary>Time between two; null when there is none.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>How often it still fires; -1 without end.</summary>
    public int Left { get; init; }

    public DateTimeOffset? Expires { get; init; }

    [JsonIgnore]
    public ReminderKey Key => new(new ActorKey(Type, Id), Name);

    public static ReminderRecord Create(ReminderKey key, ActorReminderRequest request, Schedule schedule) => new()
    {
        Type = key.Actor.Type,
        Id = key.Actor.Id,
        Name = key.Name,
        DueTime = request.DueTime,
        Period = request.Period,
        Ttl = request.Ttl,
        Data = ActorData.ToJson(request.Data),
        RetryInterval = request.FailurePolicy.Interval,
        MaxRetries = request.FailurePolicy.MaxRetries,
        Next = schedule.First,
        Interval = schedule.Period?.Time,
        Left = schedule.Repeats,
        Expires = schedule.Expires,
    };

    public static ReminderRecord Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize<ReminderRecord>(json, Json) ?? throw new JsonException("the record is null");

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <summary>
    /// The record after a tick, or null when that was the last. Periods count from the time it was due; those that passed meanwhile, e.g.
    /// while the sidecar was down, are one tick and not many.
    /// </summary>
    public ReminderRecord? After(DateTimeOffset now)
    {
        if (Left == 1 || Interval is not { } interval)
        {
            return null;
        }

        var next = Next + interval;
        if (next < now && interval > TimeSpan.Zero)
        {
            next += interval * Math.Ceiling((now - next) / interval);
        }

        return Expires <= next ? null : this with { Next = next, Left = Left > 0 ? Left - 1 : Left };
    }
}
