using System.Drawing;
using System.Text.Json;
using Contracts.Desk;
using Contracts.Jobs;
using Desk.Products;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>How a task ended: the result in its terminal event, and what callbacks and answers are made from.</summary>
/// <param name="TaskId">Task.</param>
/// <param name="RequestId">The caller's name for the request, or one of ours.</param>
/// <param name="Status">success or failed.</param>
/// <param name="InitialImageUrl">Where the photo is.</param>
/// <param name="BeforeImageUrl">Our copy of it, in the same square as the made picture; null when it failed before there was one.</param>
/// <param name="ProcessedImageUrl">Where the made picture is; null when it failed.</param>
/// <param name="Caption">What the photo shows.</param>
/// <param name="ImageModel">Who drew: <c>local</c> composes and draws nothing.</param>
/// <param name="Found">Products by keyword.</param>
/// <param name="Centres">Where things stand in the made picture, by keyword.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="ElapsedMs">From acceptance to the end.</param>
public sealed record TaskResult(
    Guid TaskId, string RequestId, string Status, string InitialImageUrl, Uri? BeforeImageUrl, Uri? ProcessedImageUrl, string? Caption, string? ImageModel,
    IReadOnlyList<KeywordProducts>? Found, IReadOnlyDictionary<string, Point>? Centres, DeskError? Error, long ElapsedMs)
{
    /// <summary><see cref="Status"/> of a task that did what was asked.</summary>
    public const string Success = "success";

    /// <summary><see cref="Status"/> of every other.</summary>
    public const string Failed = "failed";

    /// <summary>Products as one list; null when it failed.</summary>
    public IReadOnlyList<DeskProduct>? FlatProducts() => Found is null ? null : ProductFormats.Flat(Found, Centres ?? new Dictionary<string, Point>());

    /// <summary>Products by keyword; null when it failed.</summary>
    public IReadOnlyList<GroupedProducts>? GroupedProducts() => Found is null ? null : ProductFormats.Grouped(Found);

    /// <summary>The end of a task without a result.</summary>
    public static TaskResult OfFailure(DeskRequested task, DeskError error, long elapsedMs, Uri? before = null) => new(
        task.TaskId, task.RequestId, Failed, task.InitialImageUrl, before, null, null, null, null, null, error, elapsedMs);

    /// <summary>The one in a terminal event; null in those of the deadline's sweep and of who stops a job.</summary>
    public static TaskResult? Of(JobEvent end) =>
        end.Result is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("task_id", out _) ? json.Deserialize<TaskResult>(TandemJson.Options) : null;
}
