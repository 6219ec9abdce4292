using System.Text.Json;

namespace Sidecar.Testing;

/// <summary>What became of a delivery.</summary>
public enum DeliveryOutcome
{
    /// <summary>The sidecar is at it.</summary>
    Running,

    /// <summary>Acknowledged: handled, dropped by the app, or moved to the dead-letter topic.</summary>
    Acknowledged,

    /// <summary>Failed: the broker delivers it again.</summary>
    Failed,

    /// <summary>Given back, since the app is gone.</summary>
    Returned,
}

/// <summary>A message on its way from a broker to one app instance. A duplicated message is one delivery with two <see cref="Handled"/>.</summary>
public sealed class Delivery
{
    private int _handled;
    private int _outcome;

    internal Delivery(string component, string topic, string appId, int instance, string messageId, int attempt, ReadOnlyMemory<byte> data)
    {
        (Component, Topic, AppId, Instance, MessageId, Attempt, Data) = (component, topic, appId, instance, messageId, attempt, data);
    }

    /// <summary>Pub/sub component.</summary>
    public string Component { get; }

    /// <summary>Topic.</summary>
    public string Topic { get; }

    /// <summary>The app that it is for.</summary>
    public string AppId { get; }

    /// <summary>0-based replica number of the app instance.</summary>
    public int Instance { get; }

    /// <summary>The broker's id of the message; the same on a redelivery.</summary>
    public string MessageId { get; }

    /// <summary>1 for the first delivery.</summary>
    public int Attempt { get; }

    /// <summary>Envelope, or the raw payload.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>How often the message was handed on to the app: not at all when it was dropped, twice when it was duplicated.</summary>
    public int Handled => Volatile.Read(ref _handled);

    /// <summary>What became of it.</summary>
    public DeliveryOutcome Outcome => (DeliveryOutcome)Volatile.Read(ref _outcome);

    /// <summary>Why it failed, or null.</summary>
    public Exception? Error { get; private set; }

    /// <summary>The CloudEvent; a raw payload that is no JSON throws.</summary>
    public JsonElement Envelope => CloudEvents.Parse(Data);

    /// <summary>The payload in the envelope's <c>data</c>.</summary>
    public T? Payload<T>(JsonSerializerOptions? options = null) => CloudEvents.Payload<T>(Data, options);

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Component}/{Topic} #{MessageId} to {AppId} #{Instance}, attempt {Attempt}: {Outcome}{(Error is null ? "" : $" ({Error.Message})")}";

    internal void CountHandled() => Interlocked.Increment(ref _handled);

    internal void End(DeliveryOutcome outcome, Exception? error)
    {
        Error = error;
        Volatile.Write(ref _outcome, (int)outcome);
    }
}
