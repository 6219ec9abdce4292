using Contracts;
using Contracts.Users;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;
using Users.Accounts;

namespace Users.Features;

/// <summary>
/// <c>POST /internal/users/sign-in</c>: finds or creates the account of somebody whom auth has recognised. Idempotent by provider and provider user
/// id. Two writes: first the identity, which decides the user id, then the account. Killed between them it leaves an identity without an account,
/// which the next try completes; never an account that no identity leads to.
/// </summary>
internal static partial class SignIn
{
    private const int MaxProvider = 20;
    private const int MaxProviderUserId = 256;

    public static void MapSignIn(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/internal/users/sign-in", HandleAsync).WithName(nameof(SignIn)).RequireCaller(Apps.Auth);

    private static async Task<Results<Ok<SignedInUser>, ProblemHttpResult>> HandleAsync(
        SignInUser command, IdentityStore identities, AccountStore accounts, ILogger<UsersService> logger, CancellationToken cancellationToken)
    {
        if (command is not { Provider.Length: > 0 and <= MaxProvider, ProviderUserId.Length: > 0 and <= MaxProviderUserId })
        {
            return Problems.Of(
                422, "VALIDATION_FAILED", $"give provider (1 to {MaxProvider} characters) and provider_user_id (1 to {MaxProviderUserId} characters)");
        }

        string userId;
        Account account;
        while (true)
        {
            userId = await identities.FindOrCreateAsync(command.Provider, command.ProviderUserId, command.At, cancellationToken);
            account = await accounts.UpdateAsync(userId, stored => stored.SignIn(command), cancellationToken);
            if (account.DeletedAt is null)
            {
                break;
            }

            // Deleted, and not released yet: who comes back begins anew.
            await identities.ReleaseAsync(command.Provider, command.ProviderUserId, userId, cancellationToken);
        }

        var isNew = account.CreatedAt == command.At;
        if (isNew)
        {
            LogCreated(logger, userId, command.Provider);
        }

        return TypedResults.Ok(new SignedInUser(userId, isNew));
    }

    [LoggerMessage(1620, LogLevel.Information, "Account {UserId} created by a first sign-in with {Provider}")]
    private static partial void LogCreated(ILogger logger, string userId, string provider);
}
