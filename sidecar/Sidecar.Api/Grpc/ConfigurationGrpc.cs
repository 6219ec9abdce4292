using Sidecar.Runtime;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using StoredItem = Sidecar.Abstractions.ConfigurationItem;

namespace Sidecar.Api.Grpc;

/// <summary>
/// Configuration over gRPC (grpc §2.1). A subscription is a stream: the first message has its id alone, each further one items that have
/// changed; it ends with the call or by UnsubscribeConfiguration.
/// </summary>
internal static class ConfigurationGrpc
{
    public static void MapConfiguration(this GrpcApi api)
    {
        foreach (var (rule, suffix) in (ReadOnlySpan<(string, string)>)[("configuration.v1", ""), ("configuration.v1alpha1", "Alpha1")])
        {
            api.Unary(rule, $"GetConfiguration{suffix}", GetConfigurationRequest.Parser, GetAsync);
            api.ServerStreaming<SubscribeConfigurationRequest, SubscribeConfigurationResponse>(
                rule, $"SubscribeConfiguration{suffix}", SubscribeConfigurationRequest.Parser, SubscribeAsync);
            api.Unary(rule, $"UnsubscribeConfiguration{suffix}", UnsubscribeConfigurationRequest.Parser, UnsubscribeAsync);
        }
    }

    private static async Task<GetConfigurationResponse> GetAsync(GetConfigurationRequest request, GrpcCallContext context)
    {
        var response = new GetConfigurationResponse();
        var items = await context.App().ConfigurationStores.GetAsync(
            request.StoreName, request.Keys, request.Metadata.ToMetadata(), context.CancellationToken);
        foreach (var (key, item) in items)
        {
            response.Items[key] = ToMessage(item);
        }

        return response;
    }

    private static async Task SubscribeAsync(
        SubscribeConfigurationRequest request, IServerStreamWriter<SubscribeConfigurationResponse> writer, GrpcCallContext context)
    {
        var stores = context.App().ConfigurationStores;
        var stream = await stores.OpenStreamAsync(request.StoreName, request.Keys, request.Metadata.ToMetadata(), context.CancellationToken);
        try
        {
            await writer.WriteAsync(new SubscribeConfigurationResponse { Id = stream.Id });
            await foreach (var changes in stream.ReadAllAsync(context.CancellationToken))
            {
                var response = new SubscribeConfigurationResponse { Id = stream.Id };
                foreach (var (key, item) in changes)
                {
                    response.Items[key] = ToMessage(item);
                }

                await writer.WriteAsync(response);
            }
        }
        finally
        {
            await stores.CloseAsync(request.StoreName, stream);
        }
    }

    /// <summary>That there is no such subscription is an answer here, not an error.</summary>
    private static Task<UnsubscribeConfigurationResponse> UnsubscribeAsync(UnsubscribeConfigurationRequest request, GrpcCallContext context)
    {
        var response = new UnsubscribeConfigurationResponse { Ok = true };
        try
        {
            context.App().ConfigurationStores.Unsubscribe(request.StoreName, request.Id);
        }
        catch (DaprErrorException error) when (error.ErrorCode == "ERR_CONFIGURATION_UNSUBSCRIBE")
        {
            response = new UnsubscribeConfigurationResponse { Ok = false, Message = error.Message };
        }

        return Task.FromResult(response);
    }

    private static ConfigurationItem ToMessage(StoredItem item)
    {
        var message = new ConfigurationItem { Value = item.Value, Version = item.Version };
        message.Metadata.Add(item.Metadata);
        return message;
    }
}
