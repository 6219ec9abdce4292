using System.Text.Json.Serialization;

namespace Desk.Callbacks;

/// <summary>Where a delivery is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeliveryState>))]
public enum DeliveryState
{
    /// <summary>Attempts are being made.</summary>
    [JsonStringEnumMemberName("pending")]
    Pending,

    /// <summary>The receiver has it.</summary>
    [JsonStringEnumMemberName("delivered")]
    Delivered,

    /// <summary>Given up; it is a dead letter of topic <c>callback-due</c>, which can be replayed.</summary>
    [JsonStringEnumMemberName("dead")]
    Dead,
}

/// <summary>One attempt.</summary>
/// <param name="Number">1-based; begins again with a replay.</param>
/// <param name="At">When it was made.</param>
/// <param name="Status">The receiver's status, if there was one.</param>
/// <param name="Failure">Code of what went wrong before one.</param>
/// <param name="ElapsedMs">How long it took.</param>
public sealed record DeliveryAttempt(int Number, DateTimeOffset At, int? Status, string? Failure, long ElapsedMs);

/// <summary>The log of a delivery: the document <c>delivery:{id}</c>.</summary>
/// <param name="Id">Message.</param>
/// <param name="UserId">Whose request it answers.</param>
/// <param name="CreatedAt">When it was accepted.</param>
/// <param name="State">Where it is.</param>
/// <param name="Attempts">The attempts, oldest first, at most <see cref="MaxAttempts"/>.</param>
public sealed record Delivery(Guid Id, string UserId, DateTimeOffset CreatedAt, DeliveryState State, IReadOnlyList<DeliveryAttempt> Attempts)
{
    /// <summary>Attempts that are kept; the oldest go first.</summary>
    public const int MaxAttempts = 30;
}
