using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <summary>Which actor.</summary>
internal readonly record struct ActorKey(string Type, string Id)
{
    /// <summary>Types with this prefix are Dapr's own (protocol: HTTP §6.2).</summary>
    private const string ReservedPrefix = "dapr.internal.";

    public static bool IsReserved(string type) => type.StartsWith(ReservedPrefix, StringComparison.Ordinal);

    /// <summary>The key of an API call: reserved types and names that no path can carry are refused.</summary>
    public static ActorKey Of(string type, string id)
    {
        if (IsReserved(type))
        {
            throw ActorErrors.Reserved(type);
        }

        CheckSegment(type, "type");
        CheckSegment(id, "id");
        return new ActorKey(type, id);
    }

    /// <summary>A name becomes a segment of the path to the app, where dots mean something else.</summary>
    public static void CheckSegment(string text, string what)
    {
        if (text is "" or "." or "..")
        {
            throw ActorErrors.Malformed($"'{text}' is not an actor {what}");
        }
    }

    public override string ToString() => $"{Type}/{Id}";
}
