using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Runtime.PubSub;
using Sidecar.Runtime.State;

namespace Sidecar.Runtime.Outbox;

/// <summary>What a transaction becomes: the requests that are stored, and a message with a row of its own for each upsert among them.</summary>
/// <param name="Stored">The requests without the projections.</param>
/// <param name="Messages">Key of the row and envelope.</param>
public sealed record OutboxPlan(IReadOnlyList<StateRequest> Stored, IReadOnlyList<(string Marker, byte[] Envelope)> Messages)
{
    private const string Projection = "outbox.projection";

    /// <summary>The rows that are written with the transaction; who finds one knows that it was committed.</summary>
    public IEnumerable<StateWrite> Markers => Messages.Select(message => new StateWrite(message.Marker, "0"u8.ToArray()));

    /// <summary>
    /// Takes the projections out and makes the envelopes. An operation with metadata <c>outbox.projection</c> is what the message of its key carries;
    /// the first one counts.
    /// </summary>
    public static OutboxPlan Of(IReadOnlyList<StateRequest> requests, OutboxSettings settings, AppInstance app)
    {
        var projections = new Dictionary<string, StateRequest>();
        var stored = new List<StateRequest>(requests.Count);
        foreach (var request in requests)
        {
            if (request.Value is not null && IsProjection(request.Metadata))
            {
                projections.TryAdd(request.Key, request);
            }
            else
            {
                stored.Add(request);
            }
        }

        StateRequest[] upserts = [.. stored.Where(request => request.Value is not null)];
        if (projections.Keys.FirstOrDefault(key => !upserts.Any(upsert => upsert.Key == key)) is { } lonely)
        {
            throw OutboxErrors.PublishFailed($"the projection of key '{lonely}' belongs to no upsert of this transaction");
        }

        return new OutboxPlan(stored, [.. upserts.Select(upsert =>
        {
            var marker = $"outbox-{Guid.NewGuid()}";
            return (marker, OutboxEnvelope.Create(marker, upsert, projections.GetValueOrDefault(upsert.Key, upsert), settings, app));
        })]);
    }

    private static bool IsProjection(ComponentMetadata metadata)
    {
        try
        {
            return metadata.Bool(Projection, false);
        }
        catch (ComponentException)
        {
            // Not one of Dapr's words for yes.
            return false;
        }
    }
}

/// <summary>The CloudEvents of an outbox.</summary>
internal static class OutboxEnvelope
{
    private const string Override = "cloudevent.";

    /// <summary>The message as it waits: its id is the key of its row, and the metadata of the upsert are members as they are.</summary>
    public static byte[] Create(string marker, StateRequest upsert, StateRequest payload, OutboxSettings settings, AppInstance app)
    {
        var contentType = payload.Metadata["contentType"];
        var envelope = CloudEventEnvelope.Create(
            Data(payload, contentType), contentType, "", settings.InternalPubSub, app.Instance.AppId, new ComponentMetadata([new("cloudevent.id", marker)]),
            CloudEventEnvelope.CurrentTraceParent, null, brokerExpires: true, app.Time, wrapAlways: true);
        var members = upsert.Metadata.Where(entry => !IsReserved(entry.Key)).ToDictionary(entry => entry.Key, entry => (string?)entry.Value);
        return members.Count == 0 ? envelope : CloudEventEnvelope.With(envelope, members);
    }

    /// <summary>The message as it is published: <c>cloudevent.NAME</c> takes the place of NAME.</summary>
    public static byte[] Publish(ReadOnlyMemory<byte> waiting, OutboxSettings settings)
    {
        using var document = JsonDocument.Parse(waiting, CloudEventEnvelope.Reading);
        var members = new Dictionary<string, string?>();
        foreach (var member in document.RootElement.EnumerateObject().Where(member => member.Name.StartsWith(Override, StringComparison.Ordinal)))
        {
            members[member.Name] = null;
            var name = member.Name[Override.Length..];
            if (name == "id" || !IsReserved(name))
            {
                members[name] = member.Value.GetString();
            }
        }

        members["topic"] = settings.PublishTopic;
        members["pubsubname"] = settings.PublishPubSub;
        return CloudEventEnvelope.With(waiting, members);
    }

    /// <summary>The id, which is the key of the row, and when it was made.</summary>
    public static (string Marker, DateTimeOffset Time) Read(ReadOnlyMemory<byte> waiting)
    {
        using var document = JsonDocument.Parse(waiting, CloudEventEnvelope.Reading);
        return document.RootElement is { ValueKind: JsonValueKind.Object } root
            && root.TryGetProperty("id", out var id) && id.GetString() is { Length: > 0 } marker
            && root.TryGetProperty("time", out var time) && time.TryGetDateTimeOffset(out var made)
            ? (marker, made)
            : throw new FormatException("the message has no id and time");
    }

    private static bool IsReserved(string name) => name is "id" or "data" or "data_base64";

    /// <summary>A text that came as JSON is published as a text, unless its content type says that it is JSON.</summary>
    private static ReadOnlyMemory<byte> Data(StateRequest payload, string? contentType)
    {
        var value = payload.Value!.Value;
        if (!payload.IsJson || CloudEventEnvelope.IsJson(contentType?.Split(';')[0].Trim() ?? ""))
        {
            return value;
        }

        using var document = JsonDocument.Parse(value, CloudEventEnvelope.Reading);
        return document.RootElement.ValueKind == JsonValueKind.String ? Encoding.UTF8.GetBytes(document.RootElement.GetString()!) : value;
    }
}
