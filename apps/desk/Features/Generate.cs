using System.ComponentModel.DataAnnotations;
using Desk.Generation;
using Desk.Tasks;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Features;

/// <summary>
/// <c>POST /api/v1/desk/v1/generate</c> and <c>/v2/generate</c>: has a desk restyled. The answer is a task, whose result comes by callback, by
/// <c>GET …/tasks/{id}</c> and on the job's event stream; <c>?wait=true</c> waits for it. Version 2 draws with the custom model server. Idempotent by user, version
/// and request id.
/// </summary>
internal static class Generate
{
    /// <param name="InitialImageUrl">Where the photo is: one of our own uploads, or an address that anybody may read.</param>
    /// <param name="ImageUrl">The same under its other name.</param>
    /// <param name="Concept">Style: BASIC, CARTOON, SIMPLE, OIL, MSPAINT.</param>
    /// <param name="Categories">Kinds of products that are wanted, at most 10 of at most 50 characters.</param>
    /// <param name="CallbackUrl">Who is told of the result.</param>
    /// <param name="RequestId">The caller's name for the request; the same name is the same task. The header Idempotency-Key does the same.</param>
    /// <param name="ProductsFormat">How products are told to the callback: flat or grouped.</param>
    public sealed record Request(
        [StringLength(2048, MinimumLength = 1)] string? InitialImageUrl = null, [StringLength(2048, MinimumLength = 1)] string? ImageUrl = null,
        [StringLength(20)] string? Concept = null, [MaxLength(10)] IReadOnlyList<string>? Categories = null,
        [StringLength(2048, MinimumLength = 1)] string? CallbackUrl = null, [StringLength(100, MinimumLength = 1)] string? RequestId = null,
        [RegularExpression("flat|grouped")] string ProductsFormat = ProductsFormats.Flat);

    /// <param name="TaskId">Task.</param>
    /// <param name="Status">See the task.</param>
    /// <param name="StatusUrl">Where the task is.</param>
    /// <param name="EventsUrl">Its progress as an event stream.</param>
    public sealed record Accepted(Guid TaskId, string Status, string StatusUrl, string EventsUrl);

    private const int MaxCategory = 50;
    private static readonly Request Example = new(
        "https://pictures.example/12.jpg", Concept: Concepts.Default, CallbackUrl: "https://shop.example/hooks/desk", RequestId: "order-12");

    public static void MapGenerate(this IEndpointRouteBuilder desk)
    {
        desk.MapPost("/v1/generate", HandleV1Async).WithName("GenerateV1").WithSummary("Has a desk restyled").Document();
        desk.MapPost("/v2/generate", HandleV2Async).WithName("GenerateV2").WithSummary("Has a desk restyled by the custom model server").Document()
            .Answers(501, "NOT_IMPLEMENTED");
    }

    /// <summary>The original paths, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalGenerate(this IEndpointRouteBuilder routes)
    {
        foreach (var (path, version) in (ReadOnlySpan<(string, int)>)[("/v1/generate", 1), ("/generated/v1", 1), ("/v2/generate", 2), ("/generated/v2", 2)])
        {
            routes.MapPost(path, (Request request, HttpContext http, Handler handler, CancellationToken cancellationToken, bool wait = false) =>
                handler.RunAsync(request, version, OriginalPaths.User, null, wait, http, cancellationToken));
        }
    }

    private static Task<Results<Ok<TaskAnswer>, Accepted<Accepted>, ProblemHttpResult>> HandleV1Async(
        Request request, UserIdentity user, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, HttpContext http, Handler handler,
        CancellationToken cancellationToken, bool wait = false) => handler.RunAsync(request, 1, user.Id, idempotencyKey, wait, http, cancellationToken);

    private static Task<Results<Ok<TaskAnswer>, Accepted<Accepted>, ProblemHttpResult>> HandleV2Async(
        Request request, UserIdentity user, [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey, HttpContext http, Handler handler,
        CancellationToken cancellationToken, bool wait = false) => handler.RunAsync(request, 2, user.Id, idempotencyKey, wait, http, cancellationToken);

    private static RouteHandlerBuilder Document(this RouteHandlerBuilder route) => route
        .WithQuery("wait", "Whether to wait for the result, up to 60 s; without it by then the answer is 202.", "true")
        .WithRequestExample(Example)
        .WithAnswerExample(Answer(new Guid("0197a1b2-c3d4-5e5f-8a9b-0c1d2e3f4a5b"), 1), 202)
        .Answers(400, "IMAGE_URL_MISSING", "CONCEPT_UNKNOWN", "FETCH_URL_INVALID", "FETCH_HOST_FORBIDDEN", "CALLBACK_URL_REFUSED")
        .Answers(404, "USER_NOT_FOUND").Answers(409, "TASK_IN_PROGRESS").Answers(422, JudgeActivity.NotADesk, "IDEMPOTENCY_KEY_REUSED")
        .Answers(429, "QUOTA_ALREADY_USED", "TOO_MANY_OPEN_JOBS").Answers(502, "TASK_FAILED").Answers(503, "SYSTEM_BUSY", "LOG_UNAVAILABLE");

    private static Accepted Answer(Guid taskId, int version) =>
        new(taskId, "queued", $"/api/v1/desk/v{version}/tasks/{taskId}", $"/api/v1/jobs/{taskId}/events");

    /// <summary>What the routes do, whoever asks.</summary>
    internal sealed class Handler(TaskAcceptance acceptance, TaskReader reader, IOptions<GenerationOptions> options)
    {
        public async Task<Results<Ok<TaskAnswer>, Accepted<Accepted>, ProblemHttpResult>> RunAsync(
            Request request, int version, string userId, string? idempotencyKey, bool wait, HttpContext http, CancellationToken cancellationToken)
        {
            if (version == 2 && options.Value.CustomModelEndpoint is null)
            {
                return Problems.Of(501, "NOT_IMPLEMENTED", "there is no custom model server here");
            }

            if ((request.InitialImageUrl ?? request.ImageUrl) is not { } url)
            {
                return Problems.Of(400, "IMAGE_URL_MISSING", "initial_image_url is missing");
            }

            if (Concepts.Find(request.Concept) is not { } concept)
            {
                return Problems.Of(400, "CONCEPT_UNKNOWN", $"concept is one of {string.Join(", ", Concepts.All)}");
            }

            if (request.Categories?.Any(category => category is not { Length: > 0 and <= MaxCategory }) == true)
            {
                return Problems.Of(400, "VALIDATION_FAILED", $"a category has 1 to {MaxCategory} characters");
            }

            if (idempotencyKey is { Length: 0 or > 255 })
            {
                return Problems.Of(400, "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key has 1 to 255 characters");
            }

            var name = request.RequestId ?? idempotencyKey;
            var order = new TaskOrder(userId, url, concept, request.Categories ?? [], request.CallbackUrl, request.ProductsFormat, name, name, version, IsDesk: false);
            var (taskId, refusal) = await acceptance.AcceptAsync(order, cancellationToken);
            if (refusal is not null)
            {
                return refusal.ToProblem(http.Response);
            }

            if (wait && await reader.WaitAsync(taskId, cancellationToken) is { } view)
            {
                return view switch
                {
                    { Result: { } result } => TypedResults.Ok(result),
                    { Status: TaskWords.Rejected, Error: { } error } => Problems.Of(422, error.Code, error.Message),
                    _ => Problems.Of(502, "TASK_FAILED", view.Error is { } error ? $"{error.Code}: {error.Message}" : "the task failed"),
                };
            }

            var answer = Answer(taskId, version);
            return TypedResults.Accepted(answer.StatusUrl, answer);
        }
    }
}
