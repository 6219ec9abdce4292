using System.Collections.Concurrent;
using System.Text.Json;

namespace ScanClient;

/// <summary>What one user has after a run: the jobs that their account and the catalogue of characters booked, and the points.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Granted">Jobs in the ledger of the account, as often as they are in it.</param>
/// <param name="Recorded">Jobs that characters booked for the user, as often as they are booked.</param>
/// <param name="Points">Points of the account.</param>
public sealed record Booking(string UserId, IReadOnlyList<Guid> Granted, IReadOnlyList<Guid> Recorded, int Points);

/// <summary>
/// The history of a run as clients saw it, and what must hold of it whatever died meanwhile: what was accepted is completed; the events of a job
/// come once each, in order, without gaps, with one terminal event at the end; each reward counts once.
/// </summary>
public sealed class ScanHistory
{
    /// <summary>Points of one reward.</summary>
    public const int PointsPerReward = 10;

    private readonly ConcurrentDictionary<Guid, string> _accepted = [];
    private readonly ConcurrentQueue<(Guid Job, IReadOnlyList<SeenEvent> Events)> _streams = [];

    /// <summary>Jobs whose submission was answered, by user.</summary>
    public ILookup<string, Guid> Accepted => _accepted.ToLookup(entry => entry.Value, entry => entry.Key);

    /// <summary>The user has got a job id for a submission; the same id again, for a repeated submission, is the same job.</summary>
    public void Accept(string userId, Guid job) => _accepted.TryAdd(job, userId);

    /// <summary>A client has followed a job's stream to the end; all that it saw.</summary>
    public void Follow(Guid job, IReadOnlyList<SeenEvent> events) => _streams.Enqueue((job, events));

    /// <summary>The jobs of a user that ended with a reward.</summary>
    public IReadOnlyList<Guid> Rewarded(string userId)
    {
        var own = Accepted[userId].ToHashSet();
        return [.. _streams.Where(stream => own.Contains(stream.Job) && stream.Events.Any(IsReward)).Select(stream => stream.Job).Distinct()];
    }

    /// <summary>Everything that must not be; empty when the run kept its promises.</summary>
    public IReadOnlyList<string> Check(IEnumerable<Booking> bookings) =>
        [.. CheckJobs(), .. _streams.SelectMany(stream => CheckStream(stream.Job, stream.Events)), .. bookings.SelectMany(CheckBooking)];

    private IEnumerable<string> CheckJobs()
    {
        var followed = _streams.ToLookup(stream => stream.Job);
        foreach (var (job, user) in _accepted)
        {
            if (!followed.Contains(job))
            {
                yield return $"job {job} of {user} was accepted and never ended";
            }
        }

        foreach (var job in followed.Where(job => !_accepted.ContainsKey(job.Key)))
        {
            yield return $"job {job.Key} ended and was never accepted";
        }
    }

    private static IEnumerable<string> CheckStream(Guid job, IReadOnlyList<SeenEvent> events)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Seq != i + 1)
            {
                yield return $"job {job}: seq {events[i].Seq} where {i + 1} was due";
            }

            if (i > 0 && events[i].Progress < events[i - 1].Progress)
            {
                yield return $"job {job}: progress went from {events[i - 1].Progress} to {events[i].Progress}";
            }
        }

        foreach (var key in events.CountBy(seen => seen.Data.GetProperty("key").GetString() ?? "").Where(key => key.Value > 1))
        {
            yield return $"job {job}: {key.Key} came {key.Value} times";
        }

        var ends = events.Count(seen => seen.Stage == "done");
        if (ends != 1 || events[^1] is not { Stage: "done", Status: "completed" })
        {
            yield return $"job {job}: {ends} terminal events, the last event is {(events is [.., var last] ? $"{last.Stage}.{last.Status}" : "none")}";
        }
    }

    private IEnumerable<string> CheckBooking(Booking booking)
    {
        var rewarded = Rewarded(booking.UserId);
        foreach (var (place, booked) in new[] { ("account", booking.Granted), ("characters", booking.Recorded) })
        {
            foreach (var job in rewarded.Except(booked))
            {
                yield return $"{booking.UserId}: the reward of job {job} is not in {place}";
            }

            foreach (var job in booked.Except(rewarded))
            {
                yield return $"{booking.UserId}: {place} has a reward of job {job}, which had none";
            }

            foreach (var job in booked.CountBy(job => job).Where(job => job.Value > 1))
            {
                yield return $"{booking.UserId}: {place} has the reward of job {job.Key} {job.Value} times";
            }
        }

        if (booking.Points != rewarded.Count * PointsPerReward)
        {
            yield return $"{booking.UserId}: {booking.Points} points for {rewarded.Count} rewards";
        }
    }

    private static bool IsReward(SeenEvent seen) =>
        seen.Stage == "done" && seen.Data.GetProperty("result").GetProperty("reward").ValueKind == JsonValueKind.Object;
}
