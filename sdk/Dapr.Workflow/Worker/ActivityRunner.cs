using System.Diagnostics;
using System.Globalization;
using Dapr.Workflow.Abstractions;
using Dapr.Workflow.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>Answers an activity work item: makes the activity in a DI scope of its own and runs it once.</summary>
internal sealed class ActivityRunner(WorkflowsFactory factory, IServiceScopeFactory scopes, WorkflowJson json)
{
    public async Task<ActivityResponse> RunAsync(ActivityRequest request)
    {
        var instanceId = request.WorkflowInstance?.InstanceId ?? "";
        var response = new ActivityResponse { InstanceId = instanceId, TaskId = request.TaskId };
        using var span = TraceParent.Source.StartActivity(
            $"WorkflowActivity {request.Name}", ActivityKind.Internal, TraceParent.Parse(request.ParentTraceContext));
        span?.SetTag("dapr.workflow.instance_id", instanceId);
        span?.SetTag("dapr.workflow.task_id", request.TaskId);

        // Nobody listens to the source: what the activity calls still belongs to the workflow's trace.
        using var parent = span is null ? TraceParent.Restore(request.ParentTraceContext) : null;
        try
        {
            response.Result = await ExecuteAsync(request, instanceId).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            span?.SetStatus(ActivityStatusCode.Error, exception.GetType().Name);
            response.FailureDetails = exception is ActivityNotFoundException
                ? FailureDetails.Create(nameof(ActivityNotFoundException), exception.Message)
                : FailureDetails.From(exception);
        }

        return response;
    }

    private async Task<string> ExecuteAsync(ActivityRequest request, string instanceId)
    {
        var scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            if (!factory.TryCreateActivity(request.Name, scope.ServiceProvider, out var activity, out var exception))
            {
                throw exception ?? new ActivityNotFoundException($"No activity '{request.Name}' is registered.");
            }

            var key = request.TaskExecutionId.Length > 0
                ? request.TaskExecutionId
                : request.TaskId.ToString(CultureInfo.InvariantCulture);
            var context = new RunContext(request.Name, instanceId, key);
            var input = json.Deserialize(request.Input, activity!.InputType);
            return json.Serialize(await activity.RunAsync(context, input).ConfigureAwait(false));
        }
    }

    private sealed class RunContext(string name, string instanceId, string taskExecutionKey) : WorkflowActivityContext
    {
        public override TaskIdentifier Identifier { get; } = name;

        public override string TaskExecutionKey { get; } = taskExecutionKey;

        public override string InstanceId { get; } = instanceId;
    }

    private sealed class ActivityNotFoundException(string message) : Exception(message);
}
