using Ai;
using Contracts;
using Desk.Generation;
using Desk.Products;
using Desk.Vision;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults.JobLog;

namespace Desk.Features;

/// <summary><c>GET /healthcheck</c> and <c>GET /info</c> of the original service.</summary>
internal static class Info
{
    public sealed record Health(string Status);

    /// <param name="Version">Of the app.</param>
    /// <param name="Env">Environment.</param>
    /// <param name="Models">The model of each task.</param>
    /// <param name="ImageSize">Side of the square that models get and give, pixels.</param>
    /// <param name="Products">Where products are found: naver, samples or none.</param>
    /// <param name="Queue">Tasks that have not ended; null when nobody can tell just now.</param>
    /// <param name="StartedAt">When this replica started.</param>
    /// <param name="UptimeSeconds">Since then.</param>
    public sealed record Answer(
        string Version, string Env, Tasks Models, int ImageSize, string Products, Waiting? Queue, DateTimeOffset StartedAt, long UptimeSeconds);

    /// <param name="Classifier">Model that tells whether a photo shows a desk.</param>
    /// <param name="Vision">Model that plans a new desk.</param>
    /// <param name="Image">Model that draws it.</param>
    /// <param name="V2">The custom model server; null when there is none.</param>
    public sealed record Tasks(string Classifier, string Vision, string Image, string? V2);

    /// <param name="Depth">Tasks of all replicas that have not ended.</param>
    /// <param name="OldestS">Seconds since the oldest of them was accepted.</param>
    public sealed record Waiting(int Depth, long OldestS);

    /// <summary>Whoever asks wants to know how this app is, not to wait for another.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(1);

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
        IModels models, ProductCatalogues products, JobLogClient log, IOptions<GenerationOptions> options, IHostEnvironment environment, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var settings = options.Value;
        return TypedResults.Ok(new Answer(
            typeof(DeskService).Assembly.GetName().Version!.ToString(), environment.EnvironmentName,
            new Tasks(
                models.Choose(DeskCheck.Task).Id, models.Choose(RestylePlanner.Task).Id, models.Choose(ModelPainter.Task).Id,
                settings.CustomModelEndpoint is null ? null : "custom"),
            settings.Side, ProductMetrics.Name(await products.SourceAsync(cancellationToken)), await WaitingAsync(log, now, cancellationToken), StartedAt,
            (long)(now - StartedAt).TotalSeconds));
    }

    private static async Task<Waiting?> WaitingAsync(JobLogClient log, DateTimeOffset now, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(MaxWait);
        try
        {
            var open = await log.GetOpenAsync(Apps.Desk, limit.Token);
            return new Waiting(open.Count, open.OldestAt is { } oldest ? (long)(now - oldest).TotalSeconds : 0);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }
}
