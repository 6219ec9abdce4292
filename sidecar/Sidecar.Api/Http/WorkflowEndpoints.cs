using System.Diagnostics;
using System.Globalization;
using System.Text;
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

/// <summary>Workflow API (dapr-http §11). Inputs and event data are texts that only the worker reads.</summary>
internal static class WorkflowEndpoints
{
    /// <summary>The one workflow component.</summary>
    private const string Component = "dapr";

    /// <summary>Longest id of an instance that is started over HTTP.</summary>
    private const int MaxIdBytes = 64;

    private static readonly Operation Start = new("ERR_START_WORKFLOW", "starting workflow");
    private static readonly Operation Get = new("ERR_GET_WORKFLOW", "getting workflow");
    private static readonly Operation RaiseEvent = new("ERR_RAISE_EVENT_WORKFLOW", "raising event on workflow");
    private static readonly Operation Pause = new("ERR_PAUSE_WORKFLOW", "pausing workflow");
    private static readonly Operation Resume = new("ERR_RESUME_WORKFLOW", "resuming workflow");
    private static readonly Operation Terminate = new("ERR_TERMINATE_WORKFLOW", "terminating workflow", TellsUnknown: true);
    private static readonly Operation Purge = new("ERR_PURGE_WORKFLOW", "purging workflow", TellsUnknown: true);

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void MapWorkflows(this IEndpointRouteBuilder routes, Func<AppInstance, WorkflowEngine?> engineOf)
    {
        foreach (var version in (string[])["v1.0", "v1.0-beta1", "v1.0-alpha1"])
        {
            var group = routes.MapGroup($"/{version}/workflows/{{component}}");

            void Control(string verb, Operation operation, Func<WorkflowEngine, string, CancellationToken, Task> run) =>
                group.MapPost($"{{instanceId}}/{verb}", http => ControlAsync(http, Engine(http, engineOf), operation, run));

            group.MapPost("{name}/start", http => StartAsync(http, Engine(http, engineOf)));
            group.MapGet("{instanceId}", http => GetAsync(http, Engine(http, engineOf)));
            group.MapPost("{instanceId}/raiseEvent/{eventName}", http => RaiseEventAsync(http, Engine(http, engineOf)));
            Control("pause", Pause, (engine, id, ct) => engine.SuspendAsync(id, reason: null, ct));
            Control("resume", Resume, (engine, id, ct) => engine.ResumeAsync(id, reason: null, ct));
            Control("terminate", Terminate, (engine, id, ct) => engine.TerminateAsync(id, output: null, recursive: true, ct));
            Control("purge", Purge, PurgeAsync);
        }
    }

    private static async Task StartAsync(HttpContext http, WorkflowEngine engine)
    {
        var name = http.Route("name");
        var instanceId = http.Request.Query["instanceID"].ToString();
        CheckNewId(instanceId);
        var request = new CreateInstanceRequest
        {
            Name = name,
            InstanceId = instanceId,
            Input = await ReadTextAsync(http),
            ParentTraceContext = Trace(http.Request.Headers),
        };
        var started = await Start.RunAsync(name, () => engine.StartInstanceAsync(request, http.RequestAborted));
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
        var instanceId = http.Route("instanceId");
        var state = await Get.RunAsync(instanceId, () => engine.GetInstanceAsync(instanceId, payloads: true, http.RequestAborted))
            ?? throw NotFound(instanceId);
        await http.WriteJsonAsync(writer => Write(writer, state));
    }

    private static async Task RaiseEventAsync(HttpContext http, WorkflowEngine engine)
    {
        var instanceId = http.Route("instanceId");
        var data = await ReadTextAsync(http);
        await RaiseEvent.RunAsync(instanceId, () => engine.RaiseEventAsync(instanceId, http.Route("eventName"), data, http.RequestAborted));
        await AcceptedAsync(http);
    }

    /// <summary>The calls that only name an instance. A body is not needed, but must be a JSON object when there is one.</summary>
    private static async Task ControlAsync(
        HttpContext http, WorkflowEngine engine, Operation operation, Func<WorkflowEngine, string, CancellationToken, Task> run)
    {
        var body = await http.ReadBodyAsync();
        if (body.Length > 0)
        {
            using var json = ApiContext.ParseJson(body);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Malformed("an object is expected");
            }
        }

        var instanceId = http.Route("instanceId");
        await operation.RunAsync(instanceId, () => run(engine, instanceId, http.RequestAborted));
        await AcceptedAsync(http);
    }

    private static async Task PurgeAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken)
    {
        if (await engine.PurgeAsync(instanceId, recursive: true, force: false, cancellationToken) == 0)
        {
            throw NotFound(instanceId);
        }
    }

    private static TraceContext? Trace(IHeaderDictionary headers) =>
        headers.TraceParent is [{ } parent, ..] && ActivityContext.TryParse(parent, headers.TraceState, out _)
            ? new TraceContext { TraceParent = parent, TraceState = headers.TraceState }
            : null;

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
        writer.WriteString("runtimeStatus", StatusName(state.WorkflowStatus));
        writer.WriteStartObject("properties");
        WriteProperty(writer, "custom_status", state.CustomStatus);
        WriteProperty(writer, "input", state.Input);
        if (state.FailureDetails is { } failure)
        {
            WriteProperty(writer, "failure.error_type", failure.ErrorType);
            WriteProperty(writer, "failure.error_message", failure.ErrorMessage);
            WriteProperty(writer, "failure.stack_trace", failure.StackTrace);
        }
        else
        {
            WriteProperty(writer, "output", state.Output);
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

    private static void WriteProperty(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString($"dapr.workflow.{name}", value);
        }
    }

    private static string StatusName(OrchestrationStatus status) => status switch
    {
        OrchestrationStatus.Running => "RUNNING",
        OrchestrationStatus.Completed => "COMPLETED",
        OrchestrationStatus.ContinuedAsNew => "CONTINUED_AS_NEW",
        OrchestrationStatus.Failed => "FAILED",
        OrchestrationStatus.Canceled => "CANCELED",
        OrchestrationStatus.Terminated => "TERMINATED",
        OrchestrationStatus.Pending => "PENDING",
        OrchestrationStatus.Suspended => "SUSPENDED",
        _ => "UNKNOWN",
    };

    /// <summary>The engine that a call is for: that of the app behind the port.</summary>
    private static WorkflowEngine Engine(HttpContext http, Func<AppInstance, WorkflowEngine?> engineOf)
    {
        var app = http.App();
        if (http.Route("component") is var component && component != Component)
        {
            throw new DaprErrorException(400, "ERR_WORKFLOW_COMPONENT_NOT_FOUND", $"workflow component '{component}' does not exist; the name of the engine is '{Component}'");
        }

        if (http.Request.Query["appID"] is [{ Length: > 0 } appId, ..] && appId != app.Instance.AppId)
        {
            throw new DaprErrorException(
                400, "ERR_WORKFLOW_APP_ID_INVALID", $"workflows of app '{appId}' cannot be reached from app '{app.Instance.AppId}': call the sidecar of '{appId}'");
        }

        return engineOf(app) ?? throw new DaprErrorException(
            500, "ERR_ACTOR_RUNTIME_NOT_FOUND", $"app {app.Instance.AppId} has no state store with metadata actorStateStore: \"true\" in its scope");
    }

    /// <summary>Letters, digits, '-' and '_'; none at all for an id that is made here.</summary>
    private static void CheckNewId(string instanceId)
    {
        if (Encoding.UTF8.GetByteCount(instanceId) > MaxIdBytes)
        {
            throw new DaprErrorException(
                400, "ERR_INSTANCE_ID_TOO_LONG",
                string.Create(CultureInfo.InvariantCulture, $"workflow instance ID exceeds the max length of {MaxIdBytes} characters"));
        }

        if (!instanceId.EnumerateRunes().All(rune => Rune.IsLetter(rune) || Rune.IsDigit(rune) || rune.Value is '-' or '_'))
        {
            throw new DaprErrorException(
                400, "ERR_INSTANCE_ID_INVALID", $"workflow instance ID '{instanceId}' is invalid: only letters, digits, dashes and underscores are allowed");
        }
    }

    private static async Task<string> ReadTextAsync(HttpContext http)
    {
        var body = await http.ReadBodyAsync();
        try
        {
            return StrictUtf8.GetString(body.Span);
        }
        catch (DecoderFallbackException exception)
        {
            throw Malformed("it is not UTF-8", exception);
        }
    }

    private static DaprErrorException Malformed(string problem, Exception? exception = null) =>
        new(400, "ERR_MALFORMED_REQUEST", $"failed deserializing HTTP body: {problem}", innerException: exception);

    private static DaprErrorException NotFound(string instanceId) =>
        new(404, "ERR_INSTANCE_ID_NOT_FOUND", $"unable to find workflow with the provided instance ID: {instanceId}");

    /// <summary>How the failures of a call are reported; <c>TellsUnknown</c>: an unknown instance has a code of its own, as in Dapr.</summary>
    private sealed record Operation(string Code, string Doing, bool TellsUnknown = false)
    {
        public async Task<T> RunAsync<T>(string subject, Func<Task<T>> run)
        {
            try
            {
                return await run();
            }
            catch (WorkflowException exception)
            {
                throw exception.Error switch
                {
                    WorkflowError.NotFound when TellsUnknown => NotFound(subject),
                    WorkflowError.InvalidArgument => new DaprErrorException(400, "ERR_INSTANCE_ID_INVALID", exception.Message, innerException: exception),
                    _ => new DaprErrorException(500, Code, $"error {Doing} '{subject}': {exception.Message}", innerException: exception),
                };
            }
        }

        public Task RunAsync(string subject, Func<Task> run) => RunAsync(subject, async () =>
        {
            await run();
            return true;
        });
    }
}
