using Contracts;
using Contracts.Jobs;
using Microsoft.Extensions.Options;
using Sse.Streams;

namespace Sse.Features;

/// <summary>
/// Hint that a log has grown; every replica gets it. Idempotent by (job, seq): a stream takes only the number it waits for.
/// Always succeeds, because a hint that cannot be used now is of no use later.
/// </summary>
internal static class OnJobLogAppended
{
    public static void MapOnJobLogAppended(this IEndpointRouteBuilder routes) =>
        routes.MapPost("/on/job-log", Handle).WithTopic(Components.Broadcast, JobTopics.JobLog);

    /// <summary>The sidecar asks for the subscriptions when it starts to deliver: hints before that were lost.</summary>
    public static IApplicationBuilder UseSubscriptionRenewal(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.Request.Path.Equals("/dapr/subscribe", StringComparison.OrdinalIgnoreCase))
        {
            context.RequestServices.GetRequiredService<KeepAliveService>().SubscriptionRenewed();
        }

        return next(context);
    });

    internal static IResult Handle(JobLogAppended hint, StreamHub hub, TimeProvider time, IOptions<SseOptions> options)
    {
        if (hint.Entries is { Count: > 0 } entries && time.GetUtcNow() - hint.PublishedAt <= options.Value.MaxHintAge)
        {
            hub.Offer(hint.JobId, entries);
        }

        return Results.Ok();
    }
}
