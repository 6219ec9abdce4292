using Ai;
using Desk.Products;
using Desk.Vision;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Desk.Features;

/// <summary><c>GET /healthcheck</c> and <c>GET /info</c> of the original service.</summary>
internal static class Info
{
    public sealed record Health(string Status);

    /// <param name="Version">Of the app.</param>
    /// <param name="Env">Environment.</param>
    /// <param name="Models">The model of each task.</param>
    /// <param name="Products">Where products are found: naver, samples or none.</param>
    /// <param name="StartedAt">When this replica started.</param>
    /// <param name="UptimeSeconds">Since then.</param>
    public sealed record Answer(string Version, string Env, Tasks Models, string Products, DateTimeOffset StartedAt, long UptimeSeconds);

    /// <param name="Classifier">Model that tells whether a photo shows a desk.</param>
    public sealed record Tasks(string Classifier);

    private static readonly DateTimeOffset StartedAt = TimeProvider.System.GetUtcNow();

    public static void MapInfo(this IEndpointRouteBuilder desk)
    {
        desk.MapGet("/healthcheck", GetHealth).WithName("GetHealth").WithSummary("Whether the service answers");
        desk.MapGet("/info", GetInfo).WithName(nameof(GetInfo)).WithSummary("Version, models and times");
    }

    /// <summary>The original paths, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalInfo(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthcheck", GetHealth);
        routes.MapGet("/info", GetInfo);
    }

    private static Ok<Health> GetHealth() => TypedResults.Ok(new Health("healthy"));

    private static async Task<Ok<Answer>> GetInfo(
        IModels models, ProductCatalogues catalogues, IHostEnvironment environment, TimeProvider time, CancellationToken cancellationToken) => TypedResults.Ok(new Answer(
            typeof(DeskService).Assembly.GetName().Version!.ToString(), environment.EnvironmentName, new Tasks(models.Choose(DeskCheck.Task).Id),
            ProductMetrics.Name(await catalogues.SourceAsync(cancellationToken)), StartedAt, (long)(time.GetUtcNow() - StartedAt).TotalSeconds));
}
