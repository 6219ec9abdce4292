using System.Text.Json;
using Sidecar.Actors;
using Sidecar.Runtime;

namespace Sidecar.Api.Http;

/// <summary><c>actors</c> and <c>actorRuntime</c> of the metadata API (protocol: HTTP §10).</summary>
internal static class ActorMetadata
{
    public static void Write(Utf8JsonWriter writer, AppInstance app, ActorRuntime actors)
    {
        var active = actors.Active;
        WriteCounts(writer, "actors", active ?? []);
        writer.WriteStartObject("actorRuntime");
        writer.WriteString("runtimeStatus", app.Instance.AppPort is null ? "DISABLED" : active is null ? "INITIALIZING" : "RUNNING");
        WriteCounts(writer, "activeActors", active ?? []);
        writer.WriteBoolean("hostReady", active is { Count: > 0 });
        writer.WriteString("placement", "placement: connected");
        writer.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter writer, string name, IReadOnlyList<ActiveActors> counts)
    {
        writer.WriteStartArray(name);
        foreach (var (type, count) in counts)
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            writer.WriteNumber("count", count);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
