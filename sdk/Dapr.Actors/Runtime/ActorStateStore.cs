using System.Globalization;
using System.Text.Json;
using Dapr.Actors.Communication;

namespace Dapr.Actors.Runtime;

/// <summary>The states of actors, kept by the sidecar as JSON (dapr-sdk §6.2).</summary>
internal sealed class ActorStateStore(ActorSidecar sidecar, JsonSerializerOptions json)
{
    public async Task<ConditionalValue<ActorStateResponse<T>>> TryReadAsync<T>(
        string actorType, ActorId actorId, string name, CancellationToken cancellationToken)
    {
        var (value, expires) = await sidecar.GetStateAsync(actorType, actorId, name, cancellationToken).ConfigureAwait(false);
        return Exists(value, expires)
            ? new(true, new ActorStateResponse<T>(JsonSerializer.Deserialize<T>(value, json)!, expires))
            : new(false, null!);
    }

    public async Task<bool> ContainsAsync(string actorType, ActorId actorId, string name, CancellationToken cancellationToken)
    {
        var (value, expires) = await sidecar.GetStateAsync(actorType, actorId, name, cancellationToken).ConfigureAwait(false);
        return Exists(value, expires);
    }

    public Task SaveAsync(string actorType, ActorId actorId, IEnumerable<ActorStateChange> changes, CancellationToken cancellationToken)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartArray();
            foreach (var change in changes)
            {
                Write(writer, change);
            }

            writer.WriteEndArray();
        }

        return sidecar.SaveStateAsync(actorType, actorId, stream.ToArray(), cancellationToken);
    }

    private void Write(Utf8JsonWriter writer, ActorStateChange change)
    {
        var remove = change.ChangeKind == StateChangeKind.Remove;
        writer.WriteStartObject();
        writer.WriteString("operation", remove ? "delete" : "upsert");
        writer.WriteStartObject("request");
        writer.WriteString("key", change.StateName);
        if (!remove)
        {
            writer.WritePropertyName("value");
            JsonSerializer.Serialize(writer, change.Value, change.Type, json);
            if (change.TTLExpireTime is { } expires)
            {
                // Less than a second is one second: 0 and below would be "forever".
                var seconds = Math.Max(1, Math.Ceiling((expires - TimeProvider.System.GetUtcNow()).TotalSeconds));
                writer.WriteStartObject("metadata");
                writer.WriteString("ttlInSeconds", seconds.ToString(CultureInfo.InvariantCulture));
                writer.WriteEndObject();
            }
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static bool Exists(byte[] value, DateTimeOffset? expires) =>
        value.Length > 0 && (expires is null || expires > TimeProvider.System.GetUtcNow());
}
