using Characters.Ownership;
using Contracts;
using Contracts.Characters;
using Dapr.Client;
using ServiceDefaults;

namespace Characters.Features;

/// <summary>
/// Grants the default character. Order: ownership saved, grant published, message acknowledged; a repetition publishes the same grant again. Idempotent by
/// user: one ownership per user and code. Who owns another character by now gets it all the same: it belongs to everybody.
/// </summary>
internal static partial class OnDefaultCharacterRequested
{
    private const string Source = "default";

    public static void MapOnDefaultCharacterRequested(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/default-character-requested", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, CharacterTopics.DefaultCharacterRequested);

    private static async Task<IResult> HandleAsync(
        DefaultCharacterRequested message, DaprClient dapr, ILogger<CharactersService> logger, CancellationToken cancellationToken)
    {
        var owner = await dapr.UpdateStateAsync<Owner>(
            Components.StateStore, OnScanRewarded.Key(message.UserId),
            stored => (stored ?? Owner.Empty).Grant(message.UserId, DefaultCharacter.Code, Source, message.Ts), cancellationToken: cancellationToken);
        if (owner.Characters.FirstOrDefault(owned => owned.Code == DefaultCharacter.Code) is { } granted)
        {
            await dapr.PublishEventAsync(
                Components.PubSub, CharacterTopics.CharacterGranted,
                new CharacterGranted(granted.Id, granted.AcquiredAt, message.UserId, DefaultCharacter.Info, granted.Source),
                new Dictionary<string, string> { ["cloudevent.id"] = granted.Id.ToString() }, cancellationToken);
            LogGranted(logger, message.UserId);
        }

        return TypedResults.Ok();
    }

    [LoggerMessage(1503, LogLevel.Information, "User {UserId} has the default character")]
    private static partial void LogGranted(ILogger logger, string userId);
}
