namespace Contracts.Scan;

/// <summary>Topics of the scan pipeline on component <see cref="Components.PubSub"/>.</summary>
public static class ScanTopics
{
    /// <summary><see cref="ScanRequested"/>, published by scan; consumed by scan-worker.</summary>
    public const string ScanRequested = "scan-requested";

    /// <summary><see cref="ScanRewarded"/>, published by scan-worker with one id per job, perhaps repeatedly; consumed by characters and users.</summary>
    public const string ScanRewarded = "scan-rewarded";
}

/// <summary>A scan was accepted. Key: <see cref="JobId"/>.</summary>
/// <param name="Id">Event id: UUIDv5 of the job id and the topic.</param>
/// <param name="Ts">When it was accepted.</param>
/// <param name="JobId">Job, also the workflow instance id.</param>
/// <param name="UserId">Owner.</param>
/// <param name="ImageKey">Key of the picture in our store; bytes never travel in messages.</param>
/// <param name="UserInput">The person's question.</param>
/// <param name="Model">Chosen model, null for the default.</param>
/// <param name="Deadline">When the job ends at the latest.</param>
public sealed record ScanRequested(
    Guid Id, DateTimeOffset Ts, Guid JobId, string UserId, string ImageKey, string? UserInput, string? Model, DateTimeOffset Deadline);

/// <summary>A perfect sorting was rewarded. Key: <see cref="Id"/> (one per job).</summary>
/// <param name="Id">UUIDv5 of the job id.</param>
/// <param name="Ts">When.</param>
/// <param name="JobId">Job.</param>
/// <param name="UserId">Who gets it.</param>
/// <param name="Character">Which character.</param>
/// <param name="Points">Points for the ledger.</param>
public sealed record ScanRewarded(Guid Id, DateTimeOffset Ts, Guid JobId, string UserId, Characters.CharacterInfo Character, int Points);
