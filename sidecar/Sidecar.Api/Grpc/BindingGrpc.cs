using Google.Protobuf;
using Sidecar.Abstractions;
using Sidecar.Api.Http;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>Output bindings over gRPC (grpc §2.1).</summary>
internal static class BindingGrpc
{
    public static void MapBindings(this GrpcApi api) => api.Unary("bindings.v1", "InvokeBinding", InvokeBindingRequest.Parser, InvokeAsync);

    private static async Task<InvokeBindingResponse> InvokeAsync(InvokeBindingRequest request, GrpcCallContext context)
    {
        var metadata = OtherEndpoints.WithTrace(context.HttpContext.Request, request.Metadata.ToMetadata());
        var answer = await context.App().Bindings.InvokeAsync(
            request.Name, new BindingRequest(request.Operation, request.Data.Memory, metadata), context.CancellationToken);
        var response = new InvokeBindingResponse { Data = UnsafeByteOperations.UnsafeWrap(answer.Data ?? default) };
        response.Metadata.Add(answer.Metadata);
        return response;
    }
}
