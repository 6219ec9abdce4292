using System.Text.Json;
using System.Text.Json.Serialization;

namespace Launcher.DeadLetters;

/// <summary>A message that its app could not handle, as the app keeps it (document <c>dead:{topic}:{id}</c> of its state).</summary>
/// <param name="Id">CloudEvent id.</param>
/// <param name="Topic">Topic it was published on.</param>
/// <param name="Payload">The event's data.</param>
/// <param name="Reason">Why it was not handled, where that is known.</param>
/// <param name="Ts">When it was stored.</param>
/// <param name="Component">Pub/sub component of the topic; null in what earlier versions stored, as are the following.</param>
/// <param name="Source">App that published it.</param>
/// <param name="ContentType">Of the payload.</param>
internal sealed record DeadLetter(
    string Id, string Topic, JsonElement Payload, string? Reason, DateTimeOffset Ts, string? Component, string? Source, string? ContentType)
{
    /// <summary>App that has it.</summary>
    [JsonIgnore]
    public string App { get; init; } = "";

    /// <summary>How many of the topic ever came to the app.</summary>
    [JsonIgnore]
    public long Count { get; init; }
}

/// <summary>The document <c>dead:{topic}</c>: how many ever came, and those that are kept, newest first.</summary>
internal sealed record DeadLetterIndex(long Count, IReadOnlyList<string> Ids);

/// <summary>The document <c>dead</c>: the topics of which an app has had dead letters.</summary>
internal sealed record DeadLetterTopics(IReadOnlyList<string> Topics);
