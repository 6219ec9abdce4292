using Google.Protobuf.WellKnownTypes;
using Sidecar.Api.Http;
using Sidecar.Runtime.PubSub;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>Publishing over gRPC (grpc §2.1); envelopes are made as for HTTP.</summary>
internal static class PublishGrpc
{
    public static void MapPublish(this GrpcApi api)
    {
        api.Unary("publish.v1", "PublishEvent", PublishEventRequest.Parser, PublishAsync);
        api.Unary("publish.v1", "BulkPublishEvent", BulkPublishRequest.Parser, PublishManyAsync);
        api.Unary("publish.v1alpha1", "BulkPublishEventAlpha1", BulkPublishRequest.Parser, PublishManyAsync);
    }

    private static async Task<Empty> PublishAsync(PublishEventRequest request, GrpcCallContext context)
    {
        var (traceParent, traceState) = context.HttpContext.Trace();
        await context.App().Publisher.PublishAsync(
            request.PubsubName, request.Topic, request.Data.Memory, request.DataContentType, request.Metadata.ToMetadata(), traceParent, traceState,
            context.CancellationToken);
        return new Empty();
    }

    private static async Task<BulkPublishResponse> PublishManyAsync(BulkPublishRequest request, GrpcCallContext context)
    {
        var common = request.Metadata.ToMetadata();
        BulkEntry[] entries = [.. request.Entries.Select(entry =>
            new BulkEntry(entry.EntryId, entry.Event.Memory, entry.ContentType, common.With(entry.Metadata.ToMetadata())))];
        var (traceParent, traceState) = context.HttpContext.Trace();
        var outcome = await context.App().Publisher.PublishManyAsync(
            request.PubsubName, request.Topic, entries, traceParent, traceState, context.CancellationToken);
        return outcome.Error is { } error ? throw error : new BulkPublishResponse
        {
            FailedEntries = { outcome.Failed.Select(entry => new BulkPublishResponseFailedEntry { EntryId = entry.EntryId, Error = entry.Error }) },
        };
    }
}
