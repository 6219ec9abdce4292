using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dapr.Actors;

/// <summary>Id of one actor among those of its type.</summary>
[DataContract(Name = "ActorId")]
[JsonConverter(typeof(ActorIdConverter))]
public class ActorId
{
    [DataMember(Name = "ActorId", Order = 0, IsRequired = true)]
    private readonly string _id;

    /// <summary>Creates the id from text.</summary>
    public ActorId(string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        _id = id;
    }

    /// <summary>Creates an id that no other actor has.</summary>
    public static ActorId CreateRandom() => new(Guid.NewGuid().ToString());

    /// <summary>Whether both are the same text.</summary>
    public static bool operator ==(ActorId? id1, ActorId? id2) => id1 is null ? id2 is null : id1.Equals(id2);

    /// <summary>Whether they are different text.</summary>
    public static bool operator !=(ActorId? id1, ActorId? id2) => !(id1 == id2);

    /// <summary>The id as text.</summary>
    public string GetId() => _id;

    /// <inheritdoc/>
    public override string ToString() => _id;

    /// <inheritdoc/>
    public override int GetHashCode() => _id.GetHashCode(StringComparison.Ordinal);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ActorId);

    /// <summary>Whether the other id is the same text.</summary>
    public bool Equals(ActorId? other) => other is not null && string.Equals(_id, other._id, StringComparison.Ordinal);

    /// <summary>Orders ids by their text.</summary>
    public int CompareTo(ActorId? other) => string.CompareOrdinal(_id, other?._id);

    /// <summary>An id is a string in JSON.</summary>
    private sealed class ActorIdConverter : JsonConverter<ActorId>
    {
        public override ActorId? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && !string.IsNullOrWhiteSpace(text)
                ? new ActorId(text)
                : throw new JsonException("An actor id is a string that is not empty.");

        public override void Write(Utf8JsonWriter writer, ActorId value, JsonSerializerOptions options) => writer.WriteStringValue(value._id);
    }
}
