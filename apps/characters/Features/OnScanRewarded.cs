using Characters.Ownership;
using Contracts;
using Contracts.Scan;
using Dapr.Client;
using ServiceDefaults;

namespace Characters.Features;

/// <summary>Records who owns what. Idempotent by the fact's id; one row per user and character by its UUIDv5.</summary>
internal static partial class OnScanRewarded
{
    public static string Key(string userId) => $"owner:{userId}";

    public static void MapOnScanRewarded(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/scan-rewarded", HandleAsync)
            .WithDeadLetteredTopic(Components.PubSub, ScanTopics.ScanRewarded, Apps.Characters);

    private static async Task<IResult> HandleAsync(
        ScanRewarded message, DaprClient dapr, ILogger<CharactersService> logger, CancellationToken cancellationToken)
    {
        await dapr.UpdateStateAsync<Owner>(
            Components.StateStore, Key(message.UserId), owner => (owner ?? Owner.Empty).Record(message), cancellationToken: cancellationToken);
        LogRecorded(logger, message.JobId, message.Character.Code);
        return TypedResults.Ok();
    }

    [LoggerMessage(1501, LogLevel.Information, "Job {JobId}: reward {Code} recorded")]
    private static partial void LogRecorded(ILogger logger, Guid jobId, string code);
}
