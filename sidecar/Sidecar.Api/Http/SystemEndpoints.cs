using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Abstractions;
using Sidecar.Actors;
using Sidecar.Runtime;
using Sidecar.Runtime.Loading;
using Sidecar.Workflows;

namespace Sidecar.Api.Http;

/// <summary>Health, metadata, and what this engine does not have (dapr-http §10).</summary>
internal static class SystemEndpoints
{
    public static void MapSystem(this IEndpointRouteBuilder routes, Func<AppInstance, ActorRuntime> actors, Func<AppInstance, WorkflowEngine?> workflows)
    {
        routes.MapGet("/v1.0/healthz", http => Health(http, http.App().Instance.AppPort is null || http.App().Channel.IsUp, "ERR_HEALTH_NOT_READY", "dapr is not ready"));
        routes.MapGet("/v1.0/healthz/outbound", http => Health(http, true, "ERR_OUTBOUND_HEALTH_NOT_READY", "dapr outbound is not ready"));
        routes.MapGet("/v1.0/metadata", http => GetMetadataAsync(http, actors(http.App()), workflows(http.App())));
        routes.MapPut("/v1.0/metadata/{key}", async http =>
        {
            var value = await http.ReadBodyAsync();
            http.App().ExtendedMetadata[http.Route("key")] = System.Text.Encoding.UTF8.GetString(value.Span);
            await http.NoContent();
        });

        // Blocks that exist in Dapr and not here answer so, instead of falling through to invocation.
        foreach (var prefix in (string[])["jobs", "conversation", "crypto", "subtlecrypto"])
        {
            foreach (var version in (string[])["v1.0", "v1.0-alpha1", "v1.0-alpha2", "v1.0-beta1"])
            {
                routes.Map($"/{version}/{prefix}/{{**rest}}", Unsupported(prefix));
            }
        }

    }

    private static RequestDelegate Unsupported(string what) =>
        _ => throw new DaprErrorException(501, "ERR_API_UNIMPLEMENTED", $"{what}: not implemented by the embedded sidecar");

    private static Task Health(HttpContext http, bool ready, string code, string message)
    {
        if (http.Request.Query["appid"] is [{ } appId, ..] && appId != http.App().Instance.AppId)
        {
            throw new DaprErrorException(500, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match");
        }

        return ready ? http.NoContent() : throw new DaprErrorException(500, code, message);
    }

    private static Task GetMetadataAsync(HttpContext http, ActorRuntime actors, WorkflowEngine? workflows)
    {
        var app = http.App();
        return http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", app.Instance.AppId);
            writer.WriteString("runtimeVersion", Capabilities.RuntimeVersion);
            writer.WriteStartArray("enabledFeatures");
            foreach (var feature in app.Configuration.EnabledFeatures)
            {
                writer.WriteStringValue(feature);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("components");
            foreach (var (manifest, component) in app.Components.All)
            {
                writer.WriteStartObject();
                writer.WriteString("name", manifest.Name);
                writer.WriteString("type", manifest.Type);
                writer.WriteString("version", manifest.Version);
                writer.WriteStartArray("capabilities");
                foreach (var capability in Capabilities.Of(component))
                {
                    writer.WriteStringValue(capability);
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartObject("extended");
            writer.WriteString("daprRuntimeVersion", Capabilities.RuntimeVersion);
            writer.WriteString("engine", "embedded");
            foreach (var (name, value) in app.ExtendedMetadata)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
            writer.WriteStartArray("subscriptions");
            foreach (var subscription in app.Subscriptions)
            {
                WriteSubscription(writer, subscription);
            }

            writer.WriteEndArray();
            if (app.Instance.AppPort is { } port)
            {
                writer.WriteStartObject("appConnectionProperties");
                writer.WriteNumber("port", port);
                writer.WriteString("protocol", "http");
                writer.WriteString("channelAddress", "127.0.0.1");
                if (app.Instance.AppMaxConcurrency > 0)
                {
                    writer.WriteNumber("maxConcurrency", app.Instance.AppMaxConcurrency);
                }

                if (app.Instance.AppHealth is { } health)
                {
                    writer.WriteStartObject("health");
                    writer.WriteString("healthCheckPath", health.Path);
                    writer.WriteString("healthProbeInterval", $"{health.IntervalSeconds}s");
                    writer.WriteString("healthProbeTimeout", $"{health.TimeoutMilliseconds}ms");
                    writer.WriteNumber("healthThreshold", health.Threshold);
                    writer.WriteEndObject();
                }

                writer.WriteEndObject();
            }

            ActorMetadata.Write(writer, app, actors);
            writer.WriteStartObject("workflows");
            if (workflows?.GetStatus().Streams is { } workers and > 0)
            {
                writer.WriteNumber("connectedWorkers", workers);
            }

            writer.WriteEndObject();
            writer.WriteStartArray("resiliencies");
            foreach (var name in app.Resiliency.Names)
            {
                writer.WriteStartObject();
                writer.WriteString("name", name);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }

    private static void WriteSubscription(System.Text.Json.Utf8JsonWriter writer, SubscriptionManifest subscription)
    {
        writer.WriteStartObject();
        writer.WriteString("pubsubname", subscription.PubSubName);
        writer.WriteString("topic", subscription.Topic);
        writer.WriteStartObject("metadata");
        foreach (var (name, value) in subscription.Metadata)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("rules");
        foreach (var rule in subscription.Rules)
        {
            writer.WriteStartObject();
            writer.WriteString("match", rule.Match ?? "");
            writer.WriteString("path", rule.Path);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteString("deadLetterTopic", subscription.DeadLetterTopic ?? "");
        writer.WriteString("type", subscription.IsDeclarative ? "DECLARATIVE" : "PROGRAMMATIC");
        writer.WriteEndObject();
    }
}
