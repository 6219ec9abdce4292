using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;

namespace ServiceDefaults;

/// <summary>
/// What a route says about itself in the OpenAPI document beyond its signature, <c>WithName</c>, <c>WithSummary</c> and doc comments. How to
/// document a route: CONTRIBUTING.md.
/// </summary>
public static class RouteDocuments
{
    /// <summary>The route answers failures with this status and one of these stable codes.</summary>
    public static TBuilder Answers<TBuilder>(this TBuilder builder, int status, params string[] codes) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AnsweredProblem(status, codes));

    /// <summary>An example of the request's body, better than the one that is made from its schema.</summary>
    public static TBuilder WithRequestExample<TBuilder>(this TBuilder builder, object example) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new RequestExample(JsonSerializer.SerializeToNode(example, TandemJson.Options)!));

    /// <summary>An example of an answer's body, better than the one that is made from its schema.</summary>
    public static TBuilder WithAnswerExample<TBuilder>(this TBuilder builder, object example, int status = 200) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AnswerExample(status, JsonSerializer.SerializeToNode(example, TandemJson.Options)!));

    /// <summary>A header of an answer.</summary>
    public static TBuilder WithAnswerHeader<TBuilder>(this TBuilder builder, string name, string description, int status = 200) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AnswerHeader(status, name, description));

    /// <summary>A query parameter that the handler reads by itself, or the words for one of its signature.</summary>
    public static TBuilder WithQuery<TBuilder>(this TBuilder builder, string name, string description, string example) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ReadParameter(name, InHeader: false, description, example));

    /// <summary>A header of the request that the handler reads by itself.</summary>
    public static TBuilder WithRequestHeader<TBuilder>(this TBuilder builder, string name, string description, string example) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ReadParameter(name, InHeader: true, description, example));

    /// <summary>The request's body is bytes of one of these types.</summary>
    public static TBuilder AcceptsBytes<TBuilder>(this TBuilder builder, params string[] contentTypes) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new BytesBody(contentTypes));

    /// <summary>The answer is bytes of one of these types.</summary>
    public static TBuilder AnswersBytes<TBuilder>(this TBuilder builder, params string[] contentTypes) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new BytesAnswer(contentTypes));

    /// <summary>The answer is a stream of server-sent events.</summary>
    /// <param name="builder">Route.</param>
    /// <param name="data">Type of <c>data:</c> by name of the event; <c>*</c> for all others.</param>
    /// <param name="example">Some frames.</param>
    public static TBuilder StreamsEvents<TBuilder>(this TBuilder builder, IReadOnlyDictionary<string, Type> data, string example) where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new EventStreamAnswer(data, example));

    internal sealed record AnsweredProblem(int Status, IReadOnlyList<string> Codes);

    internal sealed record RequestExample(JsonNode Value);

    internal sealed record AnswerExample(int Status, JsonNode Value);

    internal sealed record AnswerHeader(int Status, string Name, string Description);

    internal sealed record ReadParameter(string Name, bool InHeader, string Description, string Example);

    internal sealed record BytesBody(IReadOnlyList<string> ContentTypes);

    internal sealed record BytesAnswer(IReadOnlyList<string> ContentTypes);

    internal sealed record EventStreamAnswer(IReadOnlyDictionary<string, Type> Data, string Example);
}
