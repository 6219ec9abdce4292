using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Api.Http;
using Sidecar.Runtime.State;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using StoredItem = Sidecar.Abstractions.StateItem;

namespace Sidecar.Api.Grpc;

/// <summary>State over gRPC (grpc §2.1). Values are bytes as they were sent.</summary>
internal static class StateGrpc
{
    private const string Rule = "state.v1";

    public static void MapState(this GrpcApi api)
    {
        api.Unary(Rule, "GetState", GetStateRequest.Parser, GetAsync);
        api.Unary(Rule, "GetBulkState", GetBulkStateRequest.Parser, GetManyAsync);
        api.Unary(Rule, "SaveState", SaveStateRequest.Parser, SaveAsync);
        api.Unary(Rule, "DeleteState", DeleteStateRequest.Parser, DeleteAsync);
        api.Unary(Rule, "DeleteBulkState", DeleteBulkStateRequest.Parser, DeleteManyAsync);
        api.Unary(Rule, "ExecuteStateTransaction", ExecuteStateTransactionRequest.Parser, TransactAsync);
    }

    private static async Task<GetStateResponse> GetAsync(GetStateRequest request, GrpcCallContext context)
    {
        var response = new GetStateResponse();
        if (await context.App().State.GetAsync(request.StoreName, request.Key, context.CancellationToken) is { } item)
        {
            response.Data = UnsafeByteOperations.UnsafeWrap(item.Value);
            response.Etag = item.ETag;
            response.Metadata.Add(StateMetadata.Of(item));
        }

        return response;
    }

    private static async Task<GetBulkStateResponse> GetManyAsync(GetBulkStateRequest request, GrpcCallContext context)
    {
        var state = context.App().State;
        state.Store(request.StoreName);
        IReadOnlyList<StoredItem?> items = request.Keys.Count == 0 ? [] : await state.GetManyAsync(request.StoreName, request.Keys, context.CancellationToken);
        var response = new GetBulkStateResponse();
        foreach (var (key, item) in request.Keys.Zip(items))
        {
            var answer = new BulkStateItem { Key = key };
            if (item is not null)
            {
                answer.Data = UnsafeByteOperations.UnsafeWrap(item.Value);
                answer.Etag = item.ETag;
                answer.Metadata.Add(StateMetadata.Of(item));
            }

            response.Items.Add(answer);
        }

        return response;
    }

    private static async Task<Empty> SaveAsync(SaveStateRequest request, GrpcCallContext context)
    {
        await context.App().State.SaveAsync(request.StoreName, [.. request.States.Select(ToUpsert)], context.CancellationToken);
        return new Empty();
    }

    private static async Task<Empty> DeleteAsync(DeleteStateRequest request, GrpcCallContext context)
    {
        var delete = new StateRequest(request.Key, null, request.Etag?.Value, Concurrency(request.Options), request.Metadata.ToMetadata());
        await context.App().State.DeleteAsync(request.StoreName, delete, context.CancellationToken);
        return new Empty();
    }

    private static async Task<Empty> DeleteManyAsync(DeleteBulkStateRequest request, GrpcCallContext context)
    {
        await context.App().State.DeleteManyAsync(request.StoreName, [.. request.States.Select(ToDelete)], context.CancellationToken);
        return new Empty();
    }

    private static async Task<Empty> TransactAsync(ExecuteStateTransactionRequest request, GrpcCallContext context)
    {
        var state = context.App().State;
        state.Store(request.StoreName);
        var common = request.Metadata.ToMetadata();
        StateRequest[] writes = [.. request.Operations.Select(operation =>
        {
            var item = operation.Request ?? new StateItem();
            var write = operation.OperationType switch
            {
                "upsert" => ToUpsert(item),
                "delete" => ToDelete(item),
                var other => throw StateErrors.UnknownOperation(other),
            };
            return write with { Metadata = common.With(write.Metadata) };
        })];
        if (writes.Length > 0)
        {
            await state.TransactAsync(request.StoreName, writes, context.CancellationToken);
        }

        return new Empty();
    }

    private static StateRequest ToUpsert(StateItem item) =>
        new(item.Key, item.Value.Memory, item.Etag?.Value, Concurrency(item.Options), item.Metadata.ToMetadata());

    private static StateRequest ToDelete(StateItem item) => ToUpsert(item) with { Value = null };

    private static string? Concurrency(StateOptions? options) => options?.Concurrency switch
    {
        StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite => "first-write",
        StateOptions.Types.StateConcurrency.ConcurrencyLastWrite => "last-write",
        _ => null,
    };
}
