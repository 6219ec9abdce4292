using Ai;
using Contracts;
using ServiceDefaults;

namespace ScanWorker.Features;

/// <summary><c>GET /internal/models</c>: the models that a scan may name, the default first.</summary>
internal static class GetModels
{
    public static void MapGetModels(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/internal/models", (IChatModels models) => TypedResults.Ok(models.Supported)).RequireCaller(Apps.Scan);
}
