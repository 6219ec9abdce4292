using System.ComponentModel.DataAnnotations;
using Contracts;
using Contracts.Desk;
using Dapr.Client;
using Desk.Callbacks;
using Desk.Generation;
using Desk.Photos;
using Desk.Tasks;
using Desk.Vision;
using Imaging;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Desk.Features;

/// <summary>
/// <c>POST /api/v1/desk/classify</c>: whether the photo at an address shows a desk. The answer is immediate, the same goes to <c>callback_url</c>, signed and
/// repeated until it is taken (docs/desk.md), and to the platform as <c>desk-classified</c>. A desk is restyled as well, unless the request says otherwise. Order: judge, event, callback, task, answer; a caller who got no answer
/// repeats under the same <c>request_id</c>, and nobody is told twice. Idempotent by UUIDv5 of user, request id, photo and receiver.
/// </summary>
internal static partial class Classify
{
    /// <summary>Type of the callback.</summary>
    public const string CallbackType = "desk.classified";

    /// <summary>About the time in which half of the default queue is judged.</summary>
    internal const string BusyRetryAfterSeconds = "2";

    private static readonly Guid Ids = new("5b3b2b2e-6a0c-5d6f-9a59-3c2f0b1f7c11");

    /// <param name="InitialImageUrl">Where the photo is: one of our own uploads, or an address that anybody may read.</param>
    /// <param name="ImageUrl">The same under its other name.</param>
    /// <param name="RequestId">The caller's name for the request.</param>
    /// <param name="CallbackUrl">Who is told of the judgement, and of the task's result.</param>
    /// <param name="Concept">Style of the new desk: BASIC, CARTOON, SIMPLE, OIL, MSPAINT.</param>
    /// <param name="AutoGenerate">Whether a desk is restyled as well.</param>
    public sealed record Request(
        [StringLength(2048, MinimumLength = 1)] string? InitialImageUrl = null, [StringLength(2048, MinimumLength = 1)] string? ImageUrl = null,
        [StringLength(100, MinimumLength = 1)] string? RequestId = null, [StringLength(2048, MinimumLength = 1)] string? CallbackUrl = null,
        [StringLength(20)] string? Concept = null, bool AutoGenerate = true);

    /// <param name="InitialImageUrl">The address that was asked about.</param>
    /// <param name="Classify">Whether it shows a desk.</param>
    /// <param name="RequestId">The request's name.</param>
    /// <param name="Confidence">0 to 1.</param>
    /// <param name="Unsure">Near the threshold.</param>
    /// <param name="Provider">Who judged.</param>
    /// <param name="CallbackId">Id of the callback's message; null when none was wanted.</param>
    /// <param name="JobId">The task that restyles the desk; null when there is none.</param>
    /// <param name="JobRefused">Code of why a desk is not restyled although that was wanted, such as <c>QUOTA_ALREADY_USED</c>.</param>
    public sealed record Response(
        string InitialImageUrl, bool Classify, string RequestId, double Confidence, bool Unsure, string Provider, Guid? CallbackId, Guid? JobId = null,
        string? JobRefused = null);

    public static void MapClassify(this IEndpointRouteBuilder desk) => desk
        .MapPost("/classify", (Request request, UserIdentity user, Handler handler, HttpResponse http, CancellationToken cancellationToken) =>
            handler.RunAsync(request, user.Id, http, cancellationToken))
        .WithName(nameof(Classify)).WithSummary("Tells whether a photo shows a desk")
        .WithRequestExample(new Request("https://pictures.example/12.jpg", RequestId: "order-12", CallbackUrl: "https://shop.example/hooks/desk"))
        .WithAnswerExample(new Response(
            "https://pictures.example/12.jpg", true, "order-12", 0.62, false, "local", new Guid("0197a1b2-c3d4-5e5f-8a9b-0c1d2e3f4a5b"),
            new Guid("7f3c2a90-1b2d-5c3e-9f40-5a6b7c8d9e0f")))
        .Answers(400, "IMAGE_URL_MISSING", "IMAGE_NOT_FOUND", "CONCEPT_UNKNOWN", "FETCH_URL_INVALID", "FETCH_HOST_FORBIDDEN", "CALLBACK_URL_REFUSED")
        .Answers(413, "FETCH_TOO_LARGE", "IMAGE_TOO_LARGE").Answers(415, "FETCH_TYPE_UNSUPPORTED", "IMAGE_UNREADABLE")
        .Answers(422, "FETCH_UNREACHABLE", "FETCH_TIMEOUT", "FETCH_STATUS", "FETCH_REDIRECTED", "FETCH_BROKEN").Answers(503, "SYSTEM_BUSY");

    /// <summary>The original path, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalClassify(this IEndpointRouteBuilder routes) => routes.MapPost(
        "/classify", (Request request, Handler handler, HttpResponse http, CancellationToken cancellationToken) => handler.RunAsync(request, OriginalPaths.User, http, cancellationToken));

    /// <summary>What the route does, whoever asks.</summary>
    internal sealed partial class Handler(
        PhotoSource photos, DeskCheck check, TaskAcceptance tasks, CallbackSender callbacks, DaprClient dapr, TimeProvider time, ILogger<DeskService> logger)
    {
        public async Task<Results<Ok<Response>, ProblemHttpResult>> RunAsync(Request request, string userId, HttpResponse http, CancellationToken cancellationToken)
        {
            if ((request.InitialImageUrl ?? request.ImageUrl) is not { } url)
            {
                return Problems.Of(400, "IMAGE_URL_MISSING", "initial_image_url is missing");
            }

            if (Concepts.Find(request.Concept) is not { } concept)
            {
                return Problems.Of(400, "CONCEPT_UNKNOWN", $"concept is one of {string.Join(", ", Concepts.All)}");
            }

            // Before any work: a result that could not be told is not worth it.
            if (request.CallbackUrl is { } receiver && callbacks.Refusal(receiver) is { } refusal)
            {
                return Problems.Of(400, "CALLBACK_URL_REFUSED", $"callback_url is not sent to: {refusal.Detail}");
            }

            var fetched = await photos.GetAsync(url, userId, cancellationToken);
            if (fetched.Content is not { } photo)
            {
                return Problems.Of(fetched.Failure!.Status, fetched.Failure.Code, fetched.Failure.Detail);
            }

            DeskVerdict verdict;
            try
            {
                verdict = await check.JudgeAsync(photo.Bytes, photo.MediaType, userId, cancellationToken);
            }
            catch (ImageTooLargeException exception)
            {
                return Problems.Of(413, "IMAGE_TOO_LARGE", exception.Message);
            }
            catch (ImageFormatException exception)
            {
                return Problems.Of(415, "IMAGE_UNREADABLE", exception.Message);
            }
            catch (DeskBusyException exception)
            {
                http.Headers.RetryAfter = BusyRetryAfterSeconds;
                return Problems.Of(503, "SYSTEM_BUSY", exception.Message);
            }

            var now = time.GetUtcNow();
            var requestId = request.RequestId ?? $"{Guid.CreateVersion7(now)}";
            // Another photo under the same name, or another receiver of it, is another message.
            var id = Uuid5.Create(Ids, $"{userId}\n{requestId}\n{url}\n{request.CallbackUrl}");
            // From here on a caller who leaves changes nothing.
            var told = new DeskClassified(
                Uuid5.Create(id, DeskTopics.DeskClassified), now, requestId, userId, url, verdict.IsDesk, verdict.Confidence, verdict.Unsure);
            // For whoever listens: that nobody does is no failure.
            await dapr.PublishEventAsync(
                Components.PubSub, DeskTopics.DeskClassified, told,
                new Dictionary<string, string> { ["cloudevent.id"] = $"{told.Id}", ["mandatory"] = "false" }, CancellationToken.None);
            var callbackId = request.CallbackUrl is null ? (Guid?)null : Uuid5.Create(id, CallbackType);
            var answer = new Response(url, verdict.IsDesk, requestId, verdict.Confidence, verdict.Unsure, verdict.Provider, callbackId);
            if (callbackId is { } message)
            {
                await callbacks.SendAsync(message, CallbackType, request.CallbackUrl!, userId, now, answer with { CallbackId = null }, CancellationToken.None);
            }

            if (verdict.IsDesk && request.AutoGenerate)
            {
                // After the callback: who is told of both hears of the judgement first, unless its receiver is away.
                var order = new TaskOrder(userId, url, concept, [], request.CallbackUrl, ProductsFormats.Flat, requestId, $"classify:{id}", Version: 1, IsDesk: true);
                var (taskId, notAccepted) = await tasks.AcceptAsync(order, CancellationToken.None);
                answer = answer with { JobId = notAccepted is null ? taskId : null, JobRefused = notAccepted?.Code };
            }

            LogClassified(logger, requestId, verdict.IsDesk, verdict.Confidence, verdict.Provider);
            return TypedResults.Ok(answer);
        }

        [LoggerMessage(2202, LogLevel.Information, "Request {RequestId}: desk {IsDesk} at {Confidence} by {Provider}")]
        private static partial void LogClassified(ILogger logger, string requestId, bool isDesk, double confidence, string provider);
    }
}
