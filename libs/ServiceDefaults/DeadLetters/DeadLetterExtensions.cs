using System.Text;
using System.Text.Json;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults;

/// <summary>Subscriptions whose failed messages are kept. Every app that subscribes to a topic has a dead-letter topic of its own.</summary>
public static class DeadLetterExtensions
{
    /// <summary>Where the embedded sidecar puts the reason into the envelope of a dead letter.</summary>
    internal const string ReasonMember = "deadletterreason";

    /// <summary>
    /// The endpoint handles a topic of a component, with dead letters in <see cref="DeadLetterTopic"/>. Where several apps subscribe
    /// to the topic each names itself, so that nobody gets the dead letters of another.
    /// </summary>
    public static TBuilder WithDeadLetteredTopic<TBuilder>(this TBuilder builder, string component, string topic, string? consumer = null)
        where TBuilder : IEndpointConventionBuilder
    {
        builder.AddEndpointFilterFactory((endpoint, next) =>
        {
            var filter = new DeliveryFailureFilter(topic, endpoint.ApplicationServices.GetRequiredService<DeliveryFailures>());
            return context => filter.InvokeAsync(context, next);
        });
        return builder.WithTopic(new TopicOptions { PubsubName = component, Name = topic, DeadLetterTopic = DeadLetterTopic(topic, consumer) }).WithReplicatedQueue();
    }

    /// <summary>On RabbitMQ the subscription has a quorum queue, which survives the loss of a node; other brokers do not read this.</summary>
    public static TBuilder WithReplicatedQueue<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new TopicMetadataAttribute("queueType", "quorum"));

    /// <summary><c>{topic}-dead</c>, or <c>{topic}-{consumer}-dead</c> of one of several consumers.</summary>
    public static string DeadLetterTopic(string topic, string? consumer = null) => consumer is null ? $"{topic}-dead" : $"{topic}-{consumer}-dead";

    /// <summary>
    /// Subscribes to the dead letters of the app's own subscription and stores them (<see cref="DeadLetterStore"/>). Idempotent by
    /// topic and CloudEvent id.
    /// </summary>
    public static IEndpointConventionBuilder MapDeadLetters(this IEndpointRouteBuilder routes, string component, string topic, string? consumer = null) =>
        routes.MapPost($"/on/{DeadLetterTopic(topic, consumer)}", async (HttpRequest request, DeadLetterStore letters, CancellationToken cancellationToken) =>
        {
            using var reader = new StreamReader(request.Body, Encoding.UTF8);
            await letters.StoreAsync(component, topic, request, Payload(await reader.ReadToEndAsync(cancellationToken)), cancellationToken);
            return TypedResults.Ok();
        }).WithTopic(component, DeadLetterTopic(topic, consumer)).WithReplicatedQueue();

    /// <summary>Stores the dead letter that is being delivered, for handlers that do more with it.</summary>
    public static Task StoreAsync(
        this DeadLetterStore letters, string component, string topic, HttpRequest request, JsonElement payload, CancellationToken cancellationToken) =>
        letters.StoreAsync(
            new DeadLetter(
                EventId(request) ?? throw new BadHttpRequestException("the message is no CloudEvent with an id"), topic, payload,
                Member(request, ReasonMember), default, component, Member(request, "source"), request.ContentType),
            cancellationToken);

    internal static string? EventId(HttpRequest request) => Member(request, "id");

    /// <summary>A text of the envelope: its header is the text as JSON, without the quotes.</summary>
    private static string? Member(HttpRequest request, string name)
    {
        if (request.Headers[$"Cloudevent.{name}"] is not [{ Length: > 0 } text, ..])
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<string>($"\"{text}\"");
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static JsonElement Payload(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text);
        }
    }
}
