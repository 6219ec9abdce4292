using System.Text.Json;
using Contracts.Jobs;
using Dapr.Workflow;
using ServiceDefaults;

namespace ScanWorker.Stages;

/// <summary>
/// Appends the terminal event, with the whole result in it. Key: <c>done.{status}</c>, so a repeated run changes nothing. False when the job
/// has ended otherwise: an answer and no failure, because failures are repeated.
/// </summary>
public sealed class FinishActivity(StageRunner stages) : WorkflowActivity<ScanResult, bool>
{
    public override async Task<bool> RunAsync(WorkflowActivityContext context, ScanResult input)
    {
        var json = JsonSerializer.SerializeToElement(input, TandemJson.Options);
        return await stages.TryAppendAsync(
            input.TaskId, $"{JobWords.Done}.{input.Status}", JobWords.Done, input.Status, 100, json, input.Message, CancellationToken.None);
    }
}

/// <summary>
/// Appends that an attempt at a stage failed: <c>retrying</c>, or <c>failed</c> for the last one. Idempotent by that key; false when the job has ended.
/// </summary>
public sealed class StageFailedActivity(StageRunner stages) : WorkflowActivity<StageFailedActivity.Input, bool>
{
    /// <summary>Input.</summary>
    public sealed record Input(Guid JobId, string Stage, int Attempt, bool Last, string Reason, int Progress);

    public override async Task<bool> RunAsync(WorkflowActivityContext context, Input input)
    {
        var status = input.Last ? JobWords.Failed : "retrying";
        var error = JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["error"] = input.Reason }, TandemJson.Options);
        return await stages.TryAppendAsync(
            input.JobId, $"{input.Stage}#{input.Attempt}.{status}", input.Stage, status, input.Progress, error, null, CancellationToken.None);
    }
}
