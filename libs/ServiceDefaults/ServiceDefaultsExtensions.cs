using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using ServiceDefaults.OpenApi;
using ServiceDefaults.Telemetry;

namespace ServiceDefaults;

/// <summary>What every service has: telemetry, health, problems, JSON, the Dapr client, trust between apps, an orderly stop.</summary>
public static class ServiceDefaultsExtensions
{
    private const string ReadyTag = "ready";

    /// <summary>Adds the services. Listens on APP_PORT: on 127.0.0.1 in Development, on all addresses elsewhere.</summary>
    public static WebApplicationBuilder AddServiceDefaults(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["APP_PORT"] is { Length: > 0 } port)
        {
            builder.WebHost.UseUrls($"http://{(builder.Environment.IsDevelopment() ? "127.0.0.1" : "*")}:{port}");
        }

        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.AddLogging();
        builder.AddTelemetry();

        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddProblemDetails(options => options.CustomizeProblemDetails = Problems.Complete);
        services.AddExceptionHandler<ProblemExceptionHandler>();
        services.ConfigureHttpJsonOptions(options => TandemJson.Apply(options.SerializerOptions));
        // A body that cannot be read is the client's failure and becomes a problem, also in Development.
        services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        services.AddOpenApiDocument();
        services.AddDaprClient((provider, dapr) => dapr
            .UseJsonSerializationOptions(TandemJson.Options)
            .UseTimeout(provider.GetRequiredService<IOptions<LifecycleOptions>>().Value.SidecarTimeout));
        services.AddOptions<DeadLetterOptions>().BindConfiguration(DeadLetterOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<DeliveryFailures>();
        services.AddSingleton<DeadLetterStore>();

        services.AddOptions<LifecycleOptions>().BindConfiguration(LifecycleOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<HostOptions>().Configure<IOptions<LifecycleOptions>>((host, lifecycle) =>
            host.ShutdownTimeout = lifecycle.Value.DrainDelay + lifecycle.Value.ShutdownTimeout);
        services.AddSingleton<DrainState>();
        services.AddHostedService(provider => provider.GetRequiredService<DrainState>());
        services.AddHealthChecks().AddCheck<DrainState>("lifecycle", tags: [ReadyTag]);
        services.AddSingleton<ReadinessLog>();
        return builder;
    }

    /// <summary>
    /// Adds the pipeline and maps health (<c>/healthz/live</c>, <c>/ready</c>, <c>/startup</c>, aliases <c>/healthz</c>, <c>/health</c>, <c>/ready</c>),
    /// <c>/metrics</c>, <c>/dapr/subscribe</c> and <c>/openapi/v1.json</c>; these three answer to the app token only. Call it before the app's own routes.
    /// </summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.UseMiddleware<RequestSpans>();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseMiddleware<CallerMiddleware>();
        app.UseCloudEvents(new CloudEventsMiddlewareOptions
        {
            ForwardCloudEventPropertiesAsHeaders = true, IncludedCloudEventPropertiesAsHeaders = ["id", "source", DeadLetterExtensions.ReasonMember],
        });

        var live = new HealthCheckOptions { Predicate = _ => false };
        var ready = new HealthCheckOptions { Predicate = check => check.Tags.Contains(ReadyTag) };
        var (write, readiness) = (ready.ResponseWriter, app.Services.GetRequiredService<ReadinessLog>());
        ready.ResponseWriter = (http, report) =>
        {
            readiness.Tell(report);
            return write(http, report);
        };
        app.MapHealthChecks("/healthz", live);
        app.MapHealthChecks("/healthz/live", live);
        app.MapHealthChecks("/health", live);
        app.MapHealthChecks("/healthz/ready", ready);
        app.MapHealthChecks("/ready", ready);
        app.MapGet("/healthz/startup", (DrainState state) => state.IsStarted ? Results.Text("Healthy") : Results.StatusCode(StatusCodes.Status503ServiceUnavailable));
        // Made here: it listens from before the start, not from the first question on, and ends with the app.
        var metrics = app.Services.GetRequiredService<PrometheusMetrics>();
        app.MapGet("/metrics", () => Results.Text(metrics.Write(), PrometheusMetrics.ContentType)).RequireSidecar();
        app.MapSubscribeHandler();
        app.MapOpenApiDocument();
        return app;
    }

    private static void AddLogging(this WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning)
            .AddFilter(ReadinessLog.FrameworkCategory, LogLevel.None);
        if (builder.Environment.IsDevelopment())
        {
            builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
            return;
        }

        builder.Services.AddSingleton<ConsoleFormatter>(provider => new EcsFormatter(
            builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName, builder.Environment.EnvironmentName, provider.GetRequiredService<TimeProvider>()));
        builder.Logging.AddConsole(console => console.FormatterName = EcsFormatter.FormatterName);
    }
}
