namespace Contracts.Desk;

/// <summary>Topics of desk on component <see cref="Components.PubSub"/>.</summary>
public static class DeskTopics
{
    /// <summary><see cref="DeskClassified"/>, published by desk for whoever wants to know inside of the platform.</summary>
    public const string DeskClassified = "desk-classified";

    /// <summary><see cref="CallbackDue"/>, published and consumed by desk.</summary>
    public const string CallbackDue = "callback-due";
}

/// <summary>A photo was judged. Key: <see cref="Id"/> (one per request).</summary>
/// <param name="Id">Event id: UUIDv5 of the request and the topic.</param>
/// <param name="Ts">When.</param>
/// <param name="RequestId">The caller's name for the request, or one of ours.</param>
/// <param name="UserId">Who asked.</param>
/// <param name="InitialImageUrl">Where the photo is.</param>
/// <param name="Classify">Whether it shows a desk.</param>
/// <param name="Confidence">0 to 1; of the local check no probability.</param>
/// <param name="Unsure">The judgement is near the threshold.</param>
public sealed record DeskClassified(
    Guid Id, DateTimeOffset Ts, string RequestId, string UserId, string InitialImageUrl, bool Classify, double Confidence, bool Unsure);

/// <summary>A message is to be delivered to a receiver outside of the platform. Key: <see cref="Id"/>.</summary>
/// <param name="Id">Id of the message, the same in every attempt; also the instance id of its workflow.</param>
/// <param name="Ts">When it was accepted.</param>
/// <param name="Url">Receiver.</param>
/// <param name="Body">JSON that every attempt sends, to the byte.</param>
public sealed record CallbackDue(Guid Id, DateTimeOffset Ts, string Url, string Body);
