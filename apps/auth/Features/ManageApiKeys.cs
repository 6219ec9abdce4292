using System.ComponentModel.DataAnnotations;
using Auth.ApiKeys;
using Contracts.Identity;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Auth.Features;

/// <summary>
/// <c>/api/v1/auth/api-keys</c>: a person's own keys for machine clients. POST makes one and shows it, once; GET lists them without secrets; DELETE
/// ends one and every token of it.
/// </summary>
internal static class ManageApiKeys
{
    /// <param name="Name">What the owner calls it.</param>
    /// <param name="Scopes">Of <see cref="Contracts.Identity.Scopes"/>.</param>
    /// <param name="ExpiresInDays">Null: until it is deleted.</param>
    public sealed record Request([Required, StringLength(100, MinimumLength = 1)] string? Name, [Required, MinLength(1)] string[]? Scopes, [Range(1, 3650)] int? ExpiresInDays = null);

    public sealed record Item(string Id, string Name, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateOnly? LastUsedOn)
    {
        internal static Item Of(ApiKey key) => new(key.Id, key.Name, key.Scopes, key.CreatedAt, key.ExpiresAt, key.LastUsedOn);
    }

    /// <param name="ApiKey">The key itself: nobody can show it again.</param>
    /// <param name="Key">What the list says of it.</param>
    public sealed record Created(string ApiKey, Item Key);

    public sealed record List(IReadOnlyList<Item> Keys);

    public static void MapApiKeys(this IEndpointRouteBuilder auth)
    {
        auth.MapPost("/api-keys", CreateAsync).WithName("CreateApiKey").WithSummary("Makes an API key, shown once")
            .Answers(403, "PERSON_REQUIRED").Answers(409, "TOO_MANY_API_KEYS").Answers(422, "UNKNOWN_SCOPE");
        auth.MapGet("/api-keys", ListAsync).WithName("ListApiKeys").WithSummary("My API keys");
        auth.MapDelete("/api-keys/{id}", DeleteAsync).WithName("DeleteApiKey").WithSummary("Deletes an API key").Answers(404, "API_KEY_NOT_FOUND");
    }

    private static async Task<Results<Created<Created>, ProblemHttpResult>> CreateAsync(
        Request request, UserIdentity user, HttpResponse http, ApiKeyStore store, IOptions<AuthOptions> options, CancellationToken cancellationToken)
    {
        if (user.Provider == ApiKeyTokens.Provider)
        {
            return Problems.Of(403, "PERSON_REQUIRED", "An API key cannot make API keys; sign in");
        }

        var scopes = request.Scopes!.Distinct(StringComparer.Ordinal).ToArray();
        if (scopes.FirstOrDefault(scope => !Scopes.All.Contains(scope)) is { } unknown)
        {
            return Problems.Of(422, "UNKNOWN_SCOPE", $"There is no scope '{unknown}'; there are {string.Join(", ", Scopes.All)}");
        }

        var lifetime = request.ExpiresInDays is { } days ? TimeSpan.FromDays(days) : (TimeSpan?)null;
        if (await store.CreateAsync(user.Id, request.Name!, scopes, lifetime, cancellationToken) is not { } created)
        {
            return Problems.Of(409, "TOO_MANY_API_KEYS", $"A person has at most {options.Value.MaxApiKeys} API keys; delete one first");
        }

        http.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/api/v1/auth/api-keys/{created.Key.Id}", new Created(created.Text, Item.Of(created.Key)));
    }

    private static async Task<Ok<List>> ListAsync(UserIdentity user, ApiKeyStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(new List([.. (await store.ListAsync(user.Id, cancellationToken)).Where(key => key.RevokedAt is null).Select(Item.Of)]));

    /// <summary>May be repeated until it has answered 204 or 404.</summary>
    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, UserIdentity user, ApiKeyStore store, CancellationToken cancellationToken) =>
        await store.DeleteAsync(user.Id, id, "key_revoked", cancellationToken)
            ? TypedResults.NoContent()
            : Problems.Of(404, "API_KEY_NOT_FOUND", "You have no such API key");
}
