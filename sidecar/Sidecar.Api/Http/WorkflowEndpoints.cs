using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Runtime;
using Sidecar.Workflows;
using Tandem.Protocol.Workflows;

namespace Sidecar.Api.Http;

/// <summary>Workflow API over HTTP (dapr-http §11).</summary>
internal static class WorkflowEndpoints
{
    public static void MapWorkflows(this IEndpointRouteBuilder routes, WorkflowApi workflows)
    {
        WorkflowEngine Engine(HttpContext http) => workflows.Engine(http.App(), http.Route("component"), http.Request.Query["appID"]);

        foreach (var version in (string[])["v1.0", "v1.0-beta1", "v1.0-alpha1"])
        {
            var group = routes.MapGroup($"/{version}/workflows/{{component}}");

            void Control(string verb, Func<WorkflowEngine, string, CancellationToken, Task> run) =>
                group.MapPost($"{{instanceId}}/{verb}", http => ControlAsync(http, Engine(http), run));

            group.MapPost("{name}/start", http => StartAsync(http, Engine(http)));
            group.MapGet("{instanceId}", http => GetAsync(http, Engine(http)));
            group.MapPost("{instanceId}/raiseEvent/{eventName}", http => RaiseEventAsync(http, Engine(http)));
            Control("pause", WorkflowApi.PauseAsync);
            Control("resume", WorkflowApi.ResumeAsync);
            Control("terminate", WorkflowApi.TerminateAsync);
            Control("purge", WorkflowApi.PurgeAsync);
        }
    }

    private static async Task StartAsync(HttpContext http, WorkflowEngine engine)
    {
        var started = await WorkflowApi.StartAsync(
            engine, http.Route("name"), http.Request.Query["instanceID"].ToString(), await http.ReadBodyAsync(), http.Request.Headers, http.RequestAborted);
        await http.WriteJsonAsync(
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteString("instanceID", started);
                writer.WriteEndObject();
            },
            StatusCodes.Status202Accepted);
    }

    private static async Task GetAsync(HttpContext http, WorkflowEngine engine)
    {
        var state = await WorkflowApi.GetAsync(engine, http.Route("instanceId"), http.RequestAborted);
        await http.WriteJsonAsync(writer => Write(writer, state));
    }

    private static async Task RaiseEventAsync(HttpContext http, WorkflowEngine engine)
    {
        var data = await http.ReadBodyAsync();
        await WorkflowApi.RaiseEventAsync(engine, http.Route("instanceId"), http.Route("eventName"), data, http.RequestAborted);
        await AcceptedAsync(http);
    }

    /// <summary>The calls that only name an instance. A body is not needed, but must be a JSON object when there is one.</summary>
    private static async Task ControlAsync(HttpContext http, WorkflowEngine engine, Func<WorkflowEngine, string, CancellationToken, Task> run)
    {
        var body = await http.ReadBodyAsync();
        if (body.Length > 0)
        {
            using var json = ApiContext.ParseJson(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", "failed deserializing HTTP body: an object is expected");
            }
        }

        await run(engine, http.Route("instanceId"), http.RequestAborted);
        await AcceptedAsync(http);
    }

    private static Task AcceptedAsync(HttpContext http) => http.WriteJsonAsync(
        writer =>
        {
            writer.WriteStartObject();
            writer.WriteEndObject();
        },
        StatusCodes.Status202Accepted);

    private static void Write(Utf8JsonWriter writer, WorkflowState state)
    {
        writer.WriteStartObject();
        writer.WriteString("instanceID", state.InstanceId);
        writer.WriteString("workflowName", state.Name);
        WriteTime(writer, "createdAt", state.CreatedTimestamp);
        WriteTime(writer, "lastUpdatedAt", state.LastUpdatedTimestamp);
        writer.WriteString("runtimeStatus", WorkflowApi.StatusName(state.WorkflowStatus));
        writer.WriteStartObject("properties");
        foreach (var (name, value) in WorkflowApi.Properties(state))
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, Timestamp? time)
    {
        if (time is not null)
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(JsonFormatter.Default.Format(time));
        }
    }
}
