using Contracts;
using Contracts.Jobs;
using Dapr.Client;
using Dapr.Workflow;
using Desk.Generation;
using Grpc.Core;
using ServiceDefaults.JobLog;

namespace Desk.Tasks;

/// <summary>Erases a task: what it has made, its workflow with its history, and its log. May be repeated.</summary>
public sealed class TaskEraser(JobLogClient log, DaprWorkflowClient workflows, DaprClient dapr, TimeProvider time)
{
    /// <summary>
    /// Erases. Throws <see cref="InvalidOperationException"/> while the workflow is still ending, so that the caller is called again. The end of the log comes
    /// first: after it no step writes anything that stays. The log itself goes last: it says that there is something to do.
    /// </summary>
    public async Task EraseAsync(Guid taskId, CancellationToken cancellationToken)
    {
        if (await log.GetAsync(taskId, after: long.MaxValue, cancellationToken) is { Terminal: null })
        {
            try
            {
                await log.AppendAsync(
                    taskId,
                    new AppendJobEvents([new JobEventInput("done.cancelled", JobWords.Done, JobWords.Cancelled, 100, time.GetUtcNow(), Message: "the account was deleted")]),
                    cancellationToken);
            }
            catch (JobClosedException)
            {
                // It has just ended.
            }
        }

        await EndWorkflowAsync($"{taskId}", cancellationToken);
        foreach (var key in DeskStep.All.Select(step => TaskSteps.Key(taskId, step)).Append(DrawnFile.Key(taskId)))
        {
            await dapr.DeleteStateAsync(Components.StateStore, key, cancellationToken: cancellationToken);
        }

        await log.EraseAsync(taskId, cancellationToken);
    }

    private async Task EndWorkflowAsync(string id, CancellationToken cancellationToken)
    {
        if (await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is not { Exists: true } state)
        {
            return;
        }

        try
        {
            if (state.IsWorkflowRunning)
            {
                await workflows.TerminateWorkflowAsync(id, cancellation: cancellationToken);
            }

            await workflows.PurgeInstanceAsync(id, cancellationToken);
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            // Somebody else was faster.
        }

        if (await workflows.GetWorkflowStateAsync(id, getInputsAndOutputs: false, cancellationToken) is { Exists: true })
        {
            throw new InvalidOperationException("the workflow of a task has not ended yet");
        }
    }
}
