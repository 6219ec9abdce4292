using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>Locks over gRPC (grpc §2.1).</summary>
internal static class LockGrpc
{
    public static void MapLocks(this GrpcApi api)
    {
        api.Unary("lock.v1alpha1", "TryLockAlpha1", TryLockRequest.Parser, async (request, context) => new TryLockResponse
        {
            Success = await context.App().Locks.TryLockAsync(
                request.StoreName, request.ResourceId, request.LockOwner, request.ExpiryInSeconds, context.CancellationToken),
        });
        api.Unary("unlock.v1alpha1", "UnlockAlpha1", UnlockRequest.Parser, async (request, context) => new UnlockResponse
        {
            Status = (UnlockResponse.Types.Status)await context.App().Locks.UnlockAsync(
                request.StoreName, request.ResourceId, request.LockOwner, context.CancellationToken),
        });
    }
}
