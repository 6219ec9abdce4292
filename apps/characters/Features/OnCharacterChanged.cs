using System.Text.Json;
using Characters.Catalogue;
using Contracts;
using Contracts.Characters;
using Dapr;
using ServiceDefaults;

namespace Characters.Features;

/// <summary>
/// Another replica has changed the catalogue: every replica reads it again. Idempotent by version. Always succeeds: a message that cannot be read is
/// dropped, and a catalogue that cannot be read now is read at its time anyway.
/// </summary>
internal static partial class OnCharacterChanged
{
    public static void MapOnCharacterChanged(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/character-changed", HandleAsync).WithTopic(Components.Broadcast, CharacterTopics.CharacterChanged);

    private static async Task<IResult> HandleAsync(HttpRequest request, CatalogueCache cache, ILogger<CatalogueCache> logger, CancellationToken cancellationToken)
    {
        try
        {
            var message = await JsonSerializer.DeserializeAsync<CharacterChanged>(request.Body, TandemJson.Options, cancellationToken);
            if (message is { Version: > 0 })
            {
                await cache.RefreshAsync(message.Version, cancellationToken);
                return TypedResults.Ok();
            }
        }
        catch (Exception exception) when (exception is JsonException or DaprException)
        {
            LogDropped(logger, exception.Message);
            return TypedResults.Ok();
        }

        LogDropped(logger, "it names no version");
        return TypedResults.Ok();
    }

    [LoggerMessage(1512, LogLevel.Warning, "A message about a changed catalogue is dropped: {Reason}")]
    private static partial void LogDropped(ILogger logger, string reason);
}
