using Characters.Ownership;
using Contracts;
using Contracts.Users;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Erasure;

namespace Characters.Features;

/// <summary>
/// Erases what a person has won and reports it. Idempotent by user: the emptied document <c>owner:{user}</c> is the mark that keeps rewards which
/// arrive later from making a new one.
/// </summary>
internal static partial class OnUserDeleted
{
    public static void MapOnUserDeleted(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/user-deleted", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, UserTopics.UserDeleted, Apps.Characters);

    private static async Task<IResult> HandleAsync(
        UserDeleted message, DaprClient dapr, ErasureReports reports, IOptions<ErasureOptions> options, ILogger<CharactersService> logger,
        CancellationToken cancellationToken)
    {
        await dapr.UpdateStateAsync<Owner>(
            Components.StateStore, OnScanRewarded.Key(message.UserId),
            owner => owner is { ErasedAt: not null } ? owner : Owner.Empty with { ErasedAt = message.Ts },
            options.Value.TombstoneKept, cancellationToken);
        await reports.SendAsync(Apps.Characters, message, cancellationToken);
        LogErased(logger, message.UserId);
        return TypedResults.Ok();
    }

    [LoggerMessage(1502, LogLevel.Information, "What user {UserId} had won is erased")]
    private static partial void LogErased(ILogger logger, string userId);
}
