using Sidecar.Abstractions;

namespace Sidecar.Testing;

/// <summary>An operation of the sidecar that a fault can meet.</summary>
public abstract class Attempt
{
    private protected Attempt(string appId) => AppId = appId;

    /// <summary>The app whose sidecar does it; for a call of an app, the app that is called.</summary>
    public string AppId { get; }

    /// <summary>What it is about, the same in every run with the same input: with the seed it decides about faults by probability.</summary>
    internal abstract string Identity { get; }
}

/// <summary>A delivery on its way to an app.</summary>
public sealed class DeliveryAttempt : Attempt
{
    internal DeliveryAttempt(Delivery delivery, int maxHandlers) : base(delivery.AppId) => (Delivery, MaxHandlers) = (delivery, maxHandlers);

    /// <summary>The delivery.</summary>
    public Delivery Delivery { get; }

    /// <summary>How many deliveries of the subscription the broker keeps going at a time.</summary>
    internal int MaxHandlers { get; }

    internal override string Identity => $"{AppId}/{Delivery.Topic}/{Delivery.MessageId}/{Delivery.Attempt}";
}

/// <summary>A write of a state store: one, or the writes of a transaction.</summary>
public sealed class StateWriteAttempt : Attempt
{
    internal StateWriteAttempt(string appId, string store, IReadOnlyList<StateWrite> writes) : base(appId) => (Store, Writes) = (store, writes);

    /// <summary>Component name.</summary>
    public string Store { get; }

    /// <summary>The writes; their keys have the prefix that the store sees, such as <c>orders||42</c>.</summary>
    public IReadOnlyList<StateWrite> Writes { get; }

    internal override string Identity => $"{Store}/{string.Join(',', Writes.Select(write => write.Key))}";
}

/// <summary>A publish, of one message or of many.</summary>
public sealed class PublishAttempt : Attempt
{
    internal PublishAttempt(string appId, string component, string topic, IReadOnlyList<OutgoingMessage> messages) : base(appId) =>
        (Component, Topic, Messages) = (component, topic, messages);

    /// <summary>Pub/sub component.</summary>
    public string Component { get; }

    /// <summary>Topic.</summary>
    public string Topic { get; }

    /// <summary>The messages.</summary>
    public IReadOnlyList<OutgoingMessage> Messages { get; }

    internal override string Identity => $"{AppId}/{Component}/{Topic}";
}

/// <summary>A call of an output binding.</summary>
public sealed class BindingAttempt : Attempt
{
    internal BindingAttempt(string appId, string binding, BindingRequest request) : base(appId) => (Binding, Request) = (binding, request);

    /// <summary>Component name.</summary>
    public string Binding { get; }

    /// <summary>Operation, data, metadata.</summary>
    public BindingRequest Request { get; }

    internal override string Identity => $"{AppId}/{Binding}/{Request.Operation}";
}

/// <summary>A request of a sidecar to an app: an invocation, or whatever else it calls the app for.</summary>
public sealed class CallAttempt : Attempt
{
    internal CallAttempt(string appId, HttpRequestMessage request) : base(appId) => Request = request;

    /// <summary>The request. Its body can be read once only, and the app is to have it.</summary>
    public HttpRequestMessage Request { get; }

    /// <summary>Path of the request.</summary>
    public string Path => Request.RequestUri!.AbsolutePath;

    internal HttpResponseMessage? Response { get; set; }

    internal override string Identity => $"{AppId}/{Request.Method}{Path}";
}
