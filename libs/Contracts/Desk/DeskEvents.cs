using System.Text.Json.Serialization;

namespace Contracts.Desk;

/// <summary>Topics of desk on component <see cref="Components.PubSub"/>.</summary>
public static class DeskTopics
{
    /// <summary><see cref="DeskClassified"/>, published by desk for whoever wants to know inside of the platform.</summary>
    public const string DeskClassified = "desk-classified";

    /// <summary><see cref="DeskRequested"/>, published and consumed by desk.</summary>
    public const string DeskRequested = "desk-requested";

    /// <summary><see cref="DeskCompleted"/>, published by desk for whoever wants to know inside of the platform.</summary>
    public const string DeskCompleted = "desk-completed";

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

/// <summary>A desk is to be restyled. Key: <see cref="TaskId"/>.</summary>
/// <param name="Id">Event id: UUIDv5 of the task and the topic.</param>
/// <param name="Ts">When it was accepted.</param>
/// <param name="TaskId">Task: its job, and the instance id of its workflow.</param>
/// <param name="RequestId">The caller's name for the request, or one of ours.</param>
/// <param name="UserId">Who asked.</param>
/// <param name="InitialImageUrl">Where the photo is.</param>
/// <param name="Concept">Style: BASIC, CARTOON, SIMPLE, OIL, MSPAINT.</param>
/// <param name="Categories">Kinds of products that are wanted, in the caller's words; none means any.</param>
/// <param name="CallbackUrl">Who is told of the result; null for nobody.</param>
/// <param name="ProductsFormat">How products are told to it: flat or grouped.</param>
/// <param name="Version">1: the image model of the platform; 2: the custom model server.</param>
/// <param name="IsDesk">Whether the photo has been judged to show a desk already.</param>
/// <param name="Deadline">When the task ends as failed.</param>
public sealed record DeskRequested(
    Guid Id, DateTimeOffset Ts, Guid TaskId, string RequestId, string UserId, string InitialImageUrl, string Concept, IReadOnlyList<string> Categories,
    string? CallbackUrl, string ProductsFormat, int Version, bool IsDesk, DateTimeOffset Deadline);

/// <summary>A task has ended. Key: <see cref="Id"/> (one per task).</summary>
/// <param name="Id">Event id: UUIDv5 of the task and the topic.</param>
/// <param name="Ts">When.</param>
/// <param name="TaskId">Task.</param>
/// <param name="RequestId">The caller's name for the request, or one of ours.</param>
/// <param name="UserId">Who asked.</param>
/// <param name="Status">success or failed.</param>
/// <param name="InitialImageUrl">Where the photo is.</param>
/// <param name="ProcessedImageUrl">Where the made picture is; null when it failed.</param>
/// <param name="Products">Products that go with it; null when it failed.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
/// <param name="ElapsedMs">From acceptance to the end.</param>
/// <param name="CoordSpace">Side of the square that the centres of products are told in, pixels.</param>
public sealed record DeskCompleted(
    Guid Id, DateTimeOffset Ts, Guid TaskId, string RequestId, string UserId, string Status, string InitialImageUrl, string? ProcessedImageUrl,
    IReadOnlyList<DeskProduct>? Products, DeskError? Error, long ElapsedMs, int CoordSpace);

/// <summary>Why a task failed.</summary>
/// <param name="Code">Stable code.</param>
/// <param name="Message">Sentence for people.</param>
public sealed record DeskError(string Code, string Message);

/// <summary>A product that can be bought. What is not known is null and not left out: the original receivers read every member.</summary>
/// <param name="Name">Its title, plain text.</param>
/// <param name="Price">Lowest price in won.</param>
/// <param name="PurchasePlace">Who sells it.</param>
/// <param name="PurchaseUrl">Where.</param>
/// <param name="ImagePath">Address of its picture; empty when there is none.</param>
/// <param name="MainCategory">Main category.</param>
/// <param name="SubCategory">Category within it.</param>
/// <param name="CenterX">Where such a thing stands in the made picture, pixels from the left.</param>
/// <param name="CenterY">Pixels from the top.</param>
/// <param name="ProductCode">Tells products apart.</param>
public sealed record DeskProduct(
    string Name,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Price,
    string PurchasePlace, string PurchaseUrl, string ImagePath, string MainCategory, string SubCategory,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? CenterX,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? CenterY,
    string ProductCode);
