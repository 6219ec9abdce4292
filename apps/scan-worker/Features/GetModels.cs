using System.Text.Json;
using Ai.Catalogue;
using Contracts;
using Contracts.Models;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary>
/// <c>GET /internal/models</c> for scan and <c>GET /api/v1/models</c> for everybody, through the gateway: the models that a scan may name, the default
/// first, each with what it can do and cost and whether it can be asked just now. Nothing secret.
/// </summary>
internal static class GetModels
{
    public static void MapGetModels(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/internal/models", HandleAsync).RequireCaller(Apps.Scan);
        routes.MapGet("/api/v1/models", HandleAsync).RequireCaller(Apps.Gateway).WithTags("Models")
            .WithName(nameof(GetModels)).WithSummary("The models that a scan may name").Produces<ModelEntry[]>();
    }

    internal static async Task<IResult> HandleAsync(IModelAvailability models, CancellationToken cancellationToken) =>
        TypedResults.Ok((await models.ListAsync(cancellationToken)).Select((status, place) => ToEntry(status, isDefault: place == 0)).ToArray());

    private static ModelEntry ToEntry(ModelStatus status, bool isDefault)
    {
        var (model, price) = (status.Model, status.Model.Price);
        return new ModelEntry(
            model.Id, model.Provider, model.Name, model.DisplayName ?? model.Name, model.Aliases, isDefault, Known(model.ContextTokens), Known(model.OutputTokens),
            model.Capabilities.HasFlag(ModelCapabilities.Streaming), model.Capabilities.HasFlag(ModelCapabilities.Vision),
            [.. Enum.GetValues<ModelCapabilities>().Where(one => one != 0 && model.Capabilities.HasFlag(one)).Select(one => JsonNamingPolicy.SnakeCaseLower.ConvertName(one.ToString()))],
            Known(model.MaxReferenceImages),
            price == new ModelPrice() ? null : new ModelEntryPrice(
                price.InputPerMillion, price.OutputPerMillion, price.CachedInputPerMillion, price.PerImage, price.Date, price.Source, price.Note),
            status.Available, status.Reason);
    }

    private static int? Known(int number) => number > 0 ? number : null;
}
