using System.Net;
using Gateway.ApiKeys;
using Gateway.Features;
using Gateway.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Gateway.ExtAuthz;

/// <summary>
/// Listens for the checks of Envoy's <c>ext_authz</c> filter (<c>http_service</c>; Istio's <c>envoyExtAuthzHttp</c>): the request as the client sent
/// it, without its body. 200 lets it pass, and the headers of that answer go to the app; any other answer is the client's. A server of its
/// own, with nothing on it but the decision: the gateway's pages and routes are not to be reached here, nor the checks there.
/// </summary>
internal sealed partial class ExtAuthzListener(
    IServiceProvider services, IOptions<ExtAuthzOptions> options, IHostEnvironment environment, ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private readonly ILogger _logger = loggers.CreateLogger<ExtAuthzListener>();

    private WebApplication? _server;

    /// <summary>Where it listens; null when it is off.</summary>
    public Uri? Address { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Value.Port is not { } port)
        {
            return;
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = environment.EnvironmentName });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(environment.IsDevelopment() ? IPAddress.Loopback : IPAddress.IPv6Any, port);
        });
        builder.Services.AddSingleton(loggers).AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, Lifetime>();
        // The same objects as in the gateway: routes, keys, revocations.
        builder.Services.AddSingleton(services.GetRequiredService<IOptions<GatewayOptions>>());
        builder.Services.AddSingleton(services.GetRequiredService<IOptions<CorsOptions>>());
        _server = builder.Build();
        Map(_server);
        await _server.StartAsync(cancellationToken);
        Address = new Uri(_server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("[::]", "127.0.0.1", StringComparison.Ordinal));
        LogListening(_logger, Address.Port);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null)
        {
            await _server.StopAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>1. The request as the client sent it. 2. Paths that lead nowhere. 3. OPTIONS. 4. CORS. 5. API keys. 6. The route table and its decision.</summary>
    private void Map(WebApplication app)
    {
        var table = services.GetRequiredService<IOptions<GatewayOptions>>().Value;
        var edge = services.GetRequiredService<EdgeDecision>();
        app.Use((context, next) => CheckRequest.TryRestore(context, options.Value.PathPrefix, services) ? next(context) : NotFoundAsync(context));
        app.UseClosedPaths();
        // Preflights carry no credentials; what is behind answers them.
        app.Use((context, next) => HttpMethods.IsOptions(context.Request.Method) ? AllowAsync(context, null) : next(context));
        // An allowed request's answer is not a browser's, and caches keep no checks: only who names an origin has to be able to read a refusal.
        app.UseWhen(context => context.Request.Headers.Origin.Count > 0, branch => branch.UseGatewayCors());
        app.UseApiKeys();
        app.UseRouting();
        app.MapRouteTable(table, route => context => DecideAsync(context, route, edge));
        app.MapClosedPaths();
        app.Map("/{**rest}", (RequestDelegate)NotFoundAsync);
    }

    private static async Task DecideAsync(HttpContext context, GatewayRoute route, EdgeDecision edge)
    {
        if (await edge.AdmitAsync(context, route) is { } caller)
        {
            await AllowAsync(context, caller.Identity);
        }
    }

    private static Task AllowAsync(HttpContext context, ServiceDefaults.Identity.Identity? identity)
    {
        CheckAnswer.Allow(context, identity);
        return Task.CompletedTask;
    }

    private static Task NotFoundAsync(HttpContext context) =>
        Problems.WriteAsync(context, StatusCodes.Status404NotFound, "NOT_FOUND", "There is nothing at this path");

    [LoggerMessage(1040, LogLevel.Information, "Decides for Envoy on port {Port}")]
    private static partial void LogListening(ILogger logger, int port);

    /// <summary>Lives and ends with the gateway, not by signals of its own.</summary>
    private sealed class Lifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>Registration.</summary>
internal static class ExtAuthzServices
{
    public static IServiceCollection AddExtAuthz(this IServiceCollection services)
    {
        services.AddOptions<ExtAuthzOptions>().BindConfiguration(ExtAuthzOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ExtAuthzListener>();
        services.AddHostedService(provider => provider.GetRequiredService<ExtAuthzListener>());
        return services;
    }
}
