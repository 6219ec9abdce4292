using System.ComponentModel.DataAnnotations;
using Desk.Generation;
using Desk.Tasks;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using ServiceDefaults;

namespace Desk.Features;

/// <summary><c>GET /api/v1/desk/v1/tasks/{id}</c> and <c>/v2/tasks/{id}</c>: where a task is and what came of it, to whom it belongs, for 24 h after its deadline.</summary>
internal static class GetTask
{
    public static void MapGetTask(this IEndpointRouteBuilder desk)
    {
        desk.MapGet("/v1/tasks/{id:guid}", HandleAsync).WithName("GetTaskV1").WithSummary("Where a task is").Document();
        desk.MapGet("/v2/tasks/{id:guid}", HandleAsync).WithName("GetTaskV2").WithSummary("Where a task of the custom model server is").Document();
    }

    /// <summary>The original paths, see <see cref="OriginalPaths"/>.</summary>
    public static void MapOriginalTask(this IEndpointRouteBuilder routes)
    {
        foreach (var version in (ReadOnlySpan<int>)[1, 2])
        {
            routes.MapGet($"/v{version}/tasks/{{id:guid}}", (Guid id, TaskReader reader, CancellationToken cancellationToken, string? products_format) =>
                FindAsync(id, OriginalPaths.User, products_format, reader, cancellationToken));
        }
    }

    private static void Document(this RouteHandlerBuilder route) => route
        .WithQuery("products_format", "How products are told: grouped (default) or flat.", "flat").Answers(404, "TASK_NOT_FOUND");

    private static Task<Results<Ok<TaskView>, ProblemHttpResult>> HandleAsync(
        Guid id, UserIdentity user, [FromQuery(Name = "products_format"), RegularExpression("flat|grouped")] string? productsFormat, TaskReader reader,
        CancellationToken cancellationToken) => FindAsync(id, user.Id, productsFormat, reader, cancellationToken);

    private static async Task<Results<Ok<TaskView>, ProblemHttpResult>> FindAsync(
        Guid id, string userId, string? format, TaskReader reader, CancellationToken cancellationToken) =>
        await reader.FindAsync(id, userId, format ?? ProductsFormats.Grouped, cancellationToken) is { } task
            ? TypedResults.Ok(task)
            : Problems.Of(404, "TASK_NOT_FOUND", "there is no such task of yours, or it ended more than a day ago");
}
