using Auth.ApiKeys;
using Contracts;
using Contracts.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Auth.Features;

/// <summary><c>POST /internal/api-keys/exchange</c>: the gateway's token for a client that sends its key with every request.</summary>
internal static class ExchangeKey
{
    public static void MapExchangeKey(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/api-keys/exchange", HandleAsync).WithName(nameof(ExchangeKey)).RequireCaller(Apps.Gateway);

    private static async Task<Results<Ok<ExchangedApiKey>, ProblemHttpResult>> HandleAsync(
        ExchangeApiKey request, ApiKeyTokens tokens, CancellationToken cancellationToken) =>
        await tokens.VerifyAsync(request.ApiKey, cancellationToken) is { } verified
            ? TypedResults.Ok(tokens.Issue(verified.Key, verified.At, verified.Key.Scopes))
            : Problems.Of(401, "INVALID_API_KEY", "The API key is unknown, expired or deleted");
}
