using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;
using Sidecar.Runtime;
using Sidecar.Workflows;
using Tandem.Protocol.Workflows;

namespace Sidecar.Api;

/// <summary>
/// The workflow API behind both doors (dapr-http §11, grpc §2): the engine that a call is for, and its failures as Dapr's errors. Inputs and
/// event data are texts that only the worker reads.
/// </summary>
internal sealed class WorkflowApi(Func<AppInstance, WorkflowEngine?> engineOf)
{
    /// <summary>The one workflow component.</summary>
    private const string Component = "dapr";

    /// <summary>Longest id of an instance that is started by a caller of this API.</summary>
    private const int MaxIdBytes = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The engine that a call is for: that of the app behind the port, or of the app that it names.</summary>
    public WorkflowEngine Engine(AppInstance app, string component, string? appId)
    {
        if (component != Component)
        {
            throw component.Length == 0
                ? new DaprErrorException(400, "ERR_WORKFLOW_COMPONENT_MISSING", "no workflow component was provided")
                : new DaprErrorException(400, "ERR_WORKFLOW_COMPONENT_NOT_FOUND", $"workflow component '{component}' does not exist; the name of the engine is '{Component}'");
        }

        var engine = engineOf(app) ?? throw new DaprErrorException(
            500, "ERR_ACTOR_RUNTIME_NOT_FOUND", $"app {app.Instance.AppId} has no state store with metadata actorStateStore: \"true\" in its scope");
        return string.IsNullOrEmpty(appId) ? engine : engine.Peer(appId) ?? throw new DaprErrorException(
            400, "ERR_WORKFLOW_APP_ID_INVALID", $"there is no app '{appId}' with a workflow store in this run");
    }

    /// <summary>How many workers of an app wait for work.</summary>
    public int ConnectedWorkers(AppInstance app) => engineOf(app)?.GetStatus().Streams ?? 0;

    /// <summary>Starts an instance with the caller's trace as parent; the result is its id.</summary>
    public static async Task<string> StartAsync(
        WorkflowEngine engine, string name, string instanceId, ReadOnlyMemory<byte> input, IHeaderDictionary headers, CancellationToken cancellationToken)
    {
        if (name.Length == 0)
        {
            throw new DaprErrorException(400, "ERR_WORKFLOW_NAME_MISSING", "workflow name is not configured");
        }

        CheckNewId(instanceId);
        var request = new CreateInstanceRequest { Name = name, InstanceId = instanceId, Input = Text(input), ParentTraceContext = Trace(headers) };
        return await RunAsync("ERR_START_WORKFLOW", "starting workflow", name, () => engine.StartInstanceAsync(request, cancellationToken));
    }

    /// <summary>The state of an instance with its input and output.</summary>
    public static async Task<WorkflowState> GetAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken) =>
        await RunAsync("ERR_GET_WORKFLOW", "getting workflow", Present(instanceId), () => engine.GetInstanceAsync(instanceId, payloads: true, cancellationToken))
        ?? throw NotFound(instanceId);

    public static Task RaiseEventAsync(
        WorkflowEngine engine, string instanceId, string eventName, ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        var text = Text(data);
        return eventName.Length == 0
            ? throw new DaprErrorException(400, "ERR_WORKFLOW_EVENT_NAME_MISSING", "missing workflow event name")
            : RunAsync(
                "ERR_RAISE_EVENT_WORKFLOW", "raising event on workflow", Present(instanceId),
                () => engine.RaiseEventAsync(instanceId, eventName, text, cancellationToken));
    }

    public static Task PauseAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken) => RunAsync(
        "ERR_PAUSE_WORKFLOW", "pausing workflow", Present(instanceId), () => engine.SuspendAsync(instanceId, reason: null, cancellationToken));

    public static Task ResumeAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken) => RunAsync(
        "ERR_RESUME_WORKFLOW", "resuming workflow", Present(instanceId), () => engine.ResumeAsync(instanceId, reason: null, cancellationToken));

    public static Task TerminateAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken) => RunAsync(
        "ERR_TERMINATE_WORKFLOW", "terminating workflow", Present(instanceId),
        () => engine.TerminateAsync(instanceId, output: null, recursive: true, cancellationToken), tellsUnknown: true);

    public static async Task PurgeAsync(WorkflowEngine engine, string instanceId, CancellationToken cancellationToken)
    {
        var purged = await RunAsync(
            "ERR_PURGE_WORKFLOW", "purging workflow", Present(instanceId),
            () => engine.PurgeAsync(instanceId, recursive: true, force: false, cancellationToken), tellsUnknown: true);
        if (purged == 0)
        {
            throw NotFound(instanceId);
        }
    }

    /// <summary>The status as this API names it.</summary>
    public static string StatusName(OrchestrationStatus status) => status switch
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

    /// <summary>Input, custom status, and output or failure.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Properties(WorkflowState state)
    {
        (string Name, string? Value)[] outcome = state.FailureDetails is { } failure
            ? [("failure.error_type", failure.ErrorType), ("failure.error_message", failure.ErrorMessage), ("failure.stack_trace", failure.StackTrace)]
            : [("output", state.Output)];
        (string Name, string? Value)[] all = [("custom_status", state.CustomStatus), ("input", state.Input), .. outcome];
        return all
            .Where(property => property.Value is not null)
            .Select(property => KeyValuePair.Create($"dapr.workflow.{property.Name}", property.Value!));
    }

    private static TraceContext? Trace(IHeaderDictionary headers) =>
        headers.TraceParent is [{ } parent, ..] && ActivityContext.TryParse(parent, headers.TraceState, out _)
            ? new TraceContext { TraceParent = parent, TraceState = headers.TraceState }
            : null;

    private static string Present(string instanceId) => instanceId.Length > 0
        ? instanceId
        : throw new DaprErrorException(400, "ERR_INSTANCE_ID_PROVIDED_MISSING", "no instance ID was provided");

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

    private static string Text(ReadOnlyMemory<byte> body)
    {
        try
        {
            return StrictUtf8.GetString(body.Span);
        }
        catch (DecoderFallbackException exception)
        {
            throw new DaprErrorException(400, "ERR_MALFORMED_REQUEST", "failed deserializing HTTP body: it is not UTF-8", innerException: exception);
        }
    }

    private static DaprErrorException NotFound(string instanceId) =>
        new(404, "ERR_INSTANCE_ID_NOT_FOUND", $"unable to find workflow with the provided instance ID: {instanceId}");

    /// <summary>Runs a call of the engine; <paramref name="tellsUnknown"/>: an unknown instance has a code of its own, as in Dapr.</summary>
    private static async Task<T> RunAsync<T>(string code, string doing, string subject, Func<Task<T>> run, bool tellsUnknown = false)
    {
        try
        {
            return await run();
        }
        catch (WorkflowException exception)
        {
            throw exception.Error switch
            {
                WorkflowError.NotFound when tellsUnknown => NotFound(subject),
                WorkflowError.InvalidArgument => new DaprErrorException(400, "ERR_INSTANCE_ID_INVALID", exception.Message, innerException: exception),
                _ => new DaprErrorException(500, code, $"error {doing} '{subject}': {exception.Message}", innerException: exception),
            };
        }
    }

    private static Task RunAsync(string code, string doing, string subject, Func<Task> run, bool tellsUnknown = false) => RunAsync(
        code, doing, subject,
        async () =>
        {
            await run();
            return true;
        },
        tellsUnknown);
}
