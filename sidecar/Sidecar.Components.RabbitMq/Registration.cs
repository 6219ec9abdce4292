using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq;

/// <summary>Adds the component types that work on a RabbitMQ server.</summary>
public static class RabbitMqComponents
{
    /// <summary>Adds <c>pubsub.rabbitmq</c> and <c>bindings.rabbitmq</c>.</summary>
    public static ComponentRegistry AddRabbitMq(this ComponentRegistry registry) => registry
        .Add("pubsub.rabbitmq", context => new RabbitMqPubSub(context))
        .Add("bindings.rabbitmq", context => new RabbitMqBinding(context));
}
