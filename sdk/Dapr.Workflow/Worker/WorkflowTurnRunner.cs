using Dapr.Workflow.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>Answers a workflow work item: replays the history, goes on with the new events, returns what the code asks for.</summary>
internal sealed class WorkflowTurnRunner(WorkflowsFactory factory, IServiceScopeFactory scopes, WorkflowJson json, ILoggerFactory loggers)
{
    /// <summary>Whatever goes wrong fails the workflow: a turn without an answer would leave the instance running for ever.</summary>
    public async Task<WorkflowResponse> RunAsync(WorkflowRequest request)
    {
        try
        {
            return await AnswerAsync(request).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return Failed(request, FailureDetails.From(exception, isNonRetriable: true));
        }
    }

    private async Task<WorkflowResponse> AnswerAsync(WorkflowRequest request)
    {
        var terminated = request.NewEvents.LastOrDefault(e => e.ExecutionTerminated is not null);
        if (terminated is not null)
        {
            return Completed(request, new CompleteWorkflowAction
            {
                WorkflowStatus = OrchestrationStatus.Terminated,
                Result = terminated.ExecutionTerminated.Input,
            });
        }

        var started = request.NewEvents.Concat(request.PastEvents).FirstOrDefault(e => e.ExecutionStarted is not null)?.ExecutionStarted;
        if (string.IsNullOrEmpty(started?.Name))
        {
            return Failed(request, FailureDetails.Create("WorkflowNameMissing", "The history does not name the workflow."));
        }

        var scope = scopes.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            if (!factory.TryCreateWorkflow(started.Name, scope.ServiceProvider, out var workflow, out var exception))
            {
                return Failed(request, exception is null
                    ? FailureDetails.Create("WorkflowNotFound", $"No workflow '{started.Name}' is registered.")
                    : FailureDetails.From(exception, isNonRetriable: true));
            }

            using var parent = TraceParent.Restore(started.ParentTraceContext);
            return RunTurn(request, started, workflow!);
        }
    }

    private WorkflowResponse RunTurn(WorkflowRequest request, ExecutionStartedEvent started, IWorkflow workflow)
    {
        var outer = SynchronizationContext.Current;
        var synchronization = new WorkflowSynchronizationContext();
        var context = new WorkflowReplayContext(
            started.Name,
            request.InstanceId,
            request.ExecutionId ?? started.WorkflowInstance?.ExecutionId ?? "",
            request.Router?.SourceAppID,
            json,
            loggers,
            synchronization);
        var turn = new WorkflowTurn(context, synchronization, workflow, () => json.Deserialize(started.Input, workflow.InputType));
        try
        {
            SynchronizationContext.SetSynchronizationContext(synchronization);
            return turn.Run(request, json);
        }
        finally
        {
            synchronization.Close();
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private static WorkflowResponse Failed(WorkflowRequest request, TaskFailureDetails failure) =>
        Completed(request, new CompleteWorkflowAction { WorkflowStatus = OrchestrationStatus.Failed, FailureDetails = failure });

    private static WorkflowResponse Completed(WorkflowRequest request, CompleteWorkflowAction completion) =>
        new() { InstanceId = request.InstanceId, Actions = { new WorkflowAction { CompleteWorkflow = completion } } };
}
