using Ai;
using Contracts;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary><c>GET /internal/models</c>: the models that a scan may name, the default first.</summary>
internal static class GetModels
{
    public static void MapGetModels(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/internal/models", (IModels models) => TypedResults.Ok(models.All.SelectMany(model => new[] { model.Id, model.Name }).Distinct())).RequireCaller(Apps.Scan);
}
