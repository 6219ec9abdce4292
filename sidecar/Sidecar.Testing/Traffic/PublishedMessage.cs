using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Testing;

/// <summary>A message that a broker has accepted: published by an app, or moved to a dead-letter topic by the sidecar.</summary>
/// <param name="Component">Pub/sub component.</param>
/// <param name="Topic">Topic.</param>
/// <param name="AppId">The app whose sidecar published it.</param>
/// <param name="Data">Envelope, or the raw payload.</param>
/// <param name="Metadata">Metadata of the publish request.</param>
/// <param name="At">When, by the host's clock.</param>
public sealed record PublishedMessage(string Component, string Topic, string AppId, ReadOnlyMemory<byte> Data, ComponentMetadata Metadata, DateTimeOffset At)
{
    /// <summary>The CloudEvent; a raw payload that is no JSON throws.</summary>
    public JsonElement Envelope => CloudEvents.Parse(Data);

    /// <summary>The payload in the envelope's <c>data</c>.</summary>
    public T? Payload<T>(JsonSerializerOptions? options = null) => CloudEvents.Payload<T>(Data, options);

    /// <inheritdoc/>
    public override string ToString() => $"{Component}/{Topic} by {AppId}: {CloudEvents.Text(Data)}";
}
