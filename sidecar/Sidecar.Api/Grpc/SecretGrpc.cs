using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Grpc;

/// <summary>Secrets over gRPC (grpc §2.1).</summary>
internal static class SecretGrpc
{
    private const string Rule = "secrets.v1";

    public static void MapSecrets(this GrpcApi api)
    {
        api.Unary(Rule, "GetSecret", GetSecretRequest.Parser, GetAsync);
        api.Unary(Rule, "GetBulkSecret", GetBulkSecretRequest.Parser, GetAllAsync);
    }

    private static async Task<GetSecretResponse> GetAsync(GetSecretRequest request, GrpcCallContext context)
    {
        var response = new GetSecretResponse();
        response.Data.Add(await context.App().Secrets.GetAsync(request.StoreName, request.Key, request.Metadata.ToMetadata(), context.CancellationToken));
        return response;
    }

    private static async Task<GetBulkSecretResponse> GetAllAsync(GetBulkSecretRequest request, GrpcCallContext context)
    {
        var response = new GetBulkSecretResponse();
        foreach (var (name, values) in await context.App().Secrets.GetAllAsync(request.StoreName, request.Metadata.ToMetadata(), context.CancellationToken))
        {
            var secret = new SecretResponse();
            secret.Secrets.Add(values);
            response.Data[name] = secret;
        }

        return response;
    }
}
