using System.Text.Json;
using Dapr.Actors;
using Dapr.Actors.Communication;
using Dapr.Actors.Runtime;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The endpoints by which the sidecar reaches actors.</summary>
public static class ActorsEndpointRouteBuilderExtensions
{
    private const string Actor = "actors/{actorTypeName}/{actorId}";

    /// <summary>Maps configuration, calls, reminders, timers, deactivation and health (dapr-sdk §6.1, HTTP §6.1).</summary>
    /// <exception cref="InvalidOperationException">The actors are not registered.</exception>
    public static IEndpointConventionBuilder MapActorsHandlers(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var runtime = endpoints.ServiceProvider.GetService<ActorRuntime>()
            ?? throw new InvalidOperationException("Actors are not registered: call AddActors on the services of the app first.");

        // The app's own health endpoint of the same path wins.
        var health = endpoints.MapHealthChecks("/healthz").WithMetadata(new AllowAnonymousAttribute());
        health.Add(endpoint => ((RouteEndpointBuilder)endpoint).Order = 100);

        return new Together(
        [
            health,
            endpoints.MapGet("dapr/config", (HttpContext http) => WriteConfigurationAsync(http, runtime)),
            endpoints.MapDelete(Actor, (HttpContext http) => Actors(http, runtime).DeactivateAsync(Id(http))),
            endpoints.MapPut($"{Actor}/method/{{name}}", (HttpContext http) => InFlowAsync(http, () => InvokeAsync(http, runtime))),
            endpoints.MapPut($"{Actor}/method/remind/{{name}}", (HttpContext http) => InFlowAsync(http, async () =>
                await Actors(http, runtime).RemindAsync(Id(http), Name(http), await BodyAsync(http), http.RequestAborted))),
            endpoints.MapPut($"{Actor}/method/timer/{{name}}", (HttpContext http) => InFlowAsync(http, async () =>
            {
                var answer = await Actors(http, runtime).FireTimerAsync(Id(http), await BodyAsync(http), http.RequestAborted);
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync(answer ? "true" : "false", http.RequestAborted);
            })),
        ]);
    }

    private static Task WriteConfigurationAsync(HttpContext http, ActorRuntime runtime)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            runtime.WriteConfiguration(writer);
        }

        http.Response.ContentType = "application/json";
        return http.Response.Body.WriteAsync(stream.ToArray(), http.RequestAborted).AsTask();
    }

    private static async Task InvokeAsync(HttpContext http, ActorRuntime runtime)
    {
        var actors = Actors(http, runtime);
        var body = await BodyAsync(http);
        if (http.Request.Headers[ActorSidecar.RequestHeader] is [{ } header, ..])
        {
            var (errorHeader, answer) = await actors.InvokeRemotingAsync(Id(http), Name(http), header, body, http.RequestAborted);
            if (errorHeader is not null)
            {
                http.Response.Headers[ActorSidecar.ErrorHeader] = errorHeader;
            }

            await http.Response.Body.WriteAsync(answer, http.RequestAborted);
        }
        else if (await actors.InvokeAsync(Id(http), Name(http), body, http.RequestAborted) is { } result)
        {
            http.Response.ContentType = "application/json";
            await http.Response.Body.WriteAsync(result, http.RequestAborted);
        }
    }

    /// <summary>What the actor calls belongs to the chain that this call belongs to.</summary>
    private static async Task InFlowAsync(HttpContext http, Func<Task> call)
    {
        ActorReentrancy.Chain = http.Request.Headers[ActorReentrancy.Header] is [{ Length: > 0 } chain, ..] ? chain : null;
        await call();
    }

    private static HostedActors Actors(HttpContext http, ActorRuntime runtime) => runtime[(string)http.Request.RouteValues["actorTypeName"]!];

    private static ActorId Id(HttpContext http) => new((string)http.Request.RouteValues["actorId"]!);

    private static string Name(HttpContext http) => (string)http.Request.RouteValues["name"]!;

    private static async Task<byte[]> BodyAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        return body.ToArray();
    }

    /// <summary>A convention for all of the endpoints.</summary>
    private sealed class Together(IReadOnlyList<IEndpointConventionBuilder> builders) : IEndpointConventionBuilder
    {
        public void Add(Action<EndpointBuilder> convention)
        {
            foreach (var builder in builders)
            {
                builder.Add(convention);
            }
        }
    }
}
