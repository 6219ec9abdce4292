using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Tandem.Protocol.Grpc;

/// <summary>Maps gRPC services onto a Kestrel listener that speaks HTTP/2.</summary>
public static class GrpcEndpointExtensions
{
    /// <summary>
    /// Maps <c>POST /{service}/{method}</c>. An unknown method of the service ends with UNIMPLEMENTED. The listener must
    /// have <c>HttpProtocols.Http2</c> when it is cleartext, since there is no ALPN to choose by.
    /// </summary>
    public static IEndpointConventionBuilder MapGrpc(
        this IEndpointRouteBuilder endpoints, GrpcService service, GrpcServerOptions? options = null)
    {
        var services = endpoints.ServiceProvider;
        var handler = new GrpcServerHandler(
            service,
            options ?? new GrpcServerOptions(),
            services.GetService<TimeProvider>() ?? TimeProvider.System,
            services.GetService<ILoggerFactory>()?.CreateLogger<GrpcServerHandler>() ?? NullLogger<GrpcServerHandler>.Instance);

        return endpoints.MapPost($"/{service.Name}/{{method}}", (RequestDelegate)handler.InvokeAsync)
            .WithDisplayName($"gRPC {service.Name}");
    }
}
