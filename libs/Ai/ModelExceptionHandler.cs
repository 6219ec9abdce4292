using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace Ai;

/// <summary>
/// What a request of an app answers when its model call failed: the failure's code as a problem, with Retry-After where it is known. 400: the request asks for
/// what there is not; 422: declined; 429: a budget is spent; 503: may succeed later; 502: will not.
/// </summary>
internal sealed class ModelExceptionHandler : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext http, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is not ModelException failure)
        {
            return false;
        }

        if (failure.RetryAfter is { } wait)
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(Math.Max(1, wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await TypedResults.Problem(failure.Message, statusCode: StatusOf(failure), extensions: [new("code", failure.Code)]).ExecuteAsync(http);
        return true;
    }

    private static int StatusOf(ModelException failure) => failure.Failure switch
    {
        ModelFailure.BadRequest or ModelFailure.UnsupportedModel or ModelFailure.CapabilityMissing => StatusCodes.Status400BadRequest,
        ModelFailure.Refused or ModelFailure.Moderated => StatusCodes.Status422UnprocessableEntity,
        ModelFailure.BudgetSpent => StatusCodes.Status429TooManyRequests,
        _ when failure.IsTransient => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status502BadGateway,
    };
}
