using Desk.Callbacks;
using Microsoft.AspNetCore.Http.HttpResults;
using ServiceDefaults;

namespace Desk.Features;

/// <summary><c>GET /api/v1/desk/callbacks/{id}</c>: the log of a delivery, to whom it answers.</summary>
internal static class GetCallback
{
    public static void MapGetCallback(this IEndpointRouteBuilder desk) => desk.MapGet("/callbacks/{id:guid}", HandleAsync).WithName(nameof(GetCallback))
        .WithSummary("The attempts at a callback").Answers(404, "CALLBACK_NOT_FOUND");

    private static async Task<Results<Ok<Delivery>, ProblemHttpResult>> HandleAsync(
        Guid id, UserIdentity user, Deliveries deliveries, CancellationToken cancellationToken) =>
        await deliveries.FindAsync(id, cancellationToken) is { } delivery && delivery.UserId == user.Id
            ? TypedResults.Ok(delivery)
            : Problems.Of(404, "CALLBACK_NOT_FOUND", "there is no such callback of yours");
}
