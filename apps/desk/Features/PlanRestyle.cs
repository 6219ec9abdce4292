using System.ComponentModel.DataAnnotations;
using Desk.Generation;
using Desk.Photos;
using Desk.Vision;
using Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Features;

/// <summary><c>POST /api/v1/desk/v1/prompt</c>: what a photo shows and how its desk would be restyled, in words. Nothing is kept.</summary>
internal static class PlanRestyle
{
    /// <param name="ImageUrl">Where the photo is.</param>
    /// <param name="InitialImageUrl">The same under its other name.</param>
    /// <param name="Concept">Style: BASIC, CARTOON, SIMPLE, OIL, MSPAINT.</param>
    public sealed record Request(
        [StringLength(2048, MinimumLength = 1)] string? ImageUrl = null, [StringLength(2048, MinimumLength = 1)] string? InitialImageUrl = null,
        [StringLength(20)] string? Concept = null);

    /// <param name="Caption">What the photo shows.</param>
    /// <param name="Prompt">What an image model would be told.</param>
    /// <param name="Keywords">What would be searched for.</param>
    public sealed record Response(string Caption, string Prompt, IReadOnlyList<string> Keywords);

    public static void MapPlanRestyle(this IEndpointRouteBuilder desk) => desk
        .MapPost("/v1/prompt", (Request request, UserIdentity user, Handler handler, HttpResponse http, CancellationToken cancellationToken) =>
            handler.RunAsync(request, user.Id, http, cancellationToken))
        .WithName(nameof(PlanRestyle)).WithSummary("How a desk would be restyled, in words")
        .WithRequestExample(new Request("https://pictures.example/12.jpg"))
        .WithAnswerExample(new Response("a desk with a monitor", PlanRules.Default.Prompt, [.. PlanRules.Default.Items.Select(item => item.Keyword)]))
        .Answers(400, "IMAGE_URL_MISSING", "IMAGE_NOT_FOUND", "CONCEPT_UNKNOWN", "FETCH_URL_INVALID", "FETCH_HOST_FORBIDDEN")
        .Answers(413, "FETCH_TOO_LARGE", "IMAGE_TOO_LARGE").Answers(415, "FETCH_TYPE_UNSUPPORTED", "IMAGE_UNREADABLE")
        .Answers(422, "FETCH_UNREACHABLE", "FETCH_TIMEOUT", "FETCH_STATUS", "FETCH_REDIRECTED", "FETCH_BROKEN").Answers(503, "SYSTEM_BUSY");

    /// <summary>The original path, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalPlanRestyle(this IEndpointRouteBuilder routes) => routes.MapPost(
        "/v1/prompt", (Request request, Handler handler, HttpResponse http, CancellationToken cancellationToken) =>
            handler.RunAsync(request, OriginalPaths.User, http, cancellationToken));

    /// <summary>What the route does, whoever asks.</summary>
    internal sealed class Handler(PhotoSource photos, RestylePlanner planner, DecodeLine decoding, IOptions<GenerationOptions> options)
    {
        public async Task<Results<Ok<Response>, ProblemHttpResult>> RunAsync(Request request, string userId, HttpResponse http, CancellationToken cancellationToken)
        {
            if ((request.ImageUrl ?? request.InitialImageUrl) is not { } url)
            {
                return Problems.Of(400, "IMAGE_URL_MISSING", "image_url is missing");
            }

            if (Concepts.Find(request.Concept) is not { } concept)
            {
                return Problems.Of(400, "CONCEPT_UNKNOWN", $"concept is one of {string.Join(", ", Concepts.All)}");
            }

            var fetched = await photos.GetAsync(url, userId, cancellationToken);
            if (fetched.Content is not { } photo)
            {
                return Problems.Of(fetched.Failure!.Status, fetched.Failure.Code, fetched.Failure.Detail);
            }

            try
            {
                var square = await decoding.RunAsync(() => JpegEncoder.Encode(PhotoFrame.Fit(photo.Bytes, options.Value.Side, cancellationToken).Square), cancellationToken);
                var plan = await planner.PlanAsync(square, concept, [], userId, cancellationToken);
                return TypedResults.Ok(new Response(plan.Caption, plan.Prompt, [.. plan.Items.Select(item => item.Keyword)]));
            }
            catch (DeskBusyException exception)
            {
                http.Headers.RetryAfter = Classify.BusyRetryAfterSeconds;
                return Problems.Of(503, "SYSTEM_BUSY", exception.Message);
            }
            catch (ImageTooLargeException exception)
            {
                return Problems.Of(413, "IMAGE_TOO_LARGE", exception.Message);
            }
            catch (ImageFormatException exception)
            {
                return Problems.Of(415, "IMAGE_UNREADABLE", exception.Message);
            }
        }
    }
}
