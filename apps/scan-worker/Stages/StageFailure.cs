using Ai;
using Dapr.Workflow;

namespace ScanWorker.Stages;

/// <summary>A stage that failed in a way that no repetition mends: a picture that cannot be read, a request the model refuses.</summary>
public sealed class PermanentStageException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>Reads failures as they come back from activities.</summary>
public static class StageFailure
{
    /// <summary>Whether an activity's failure type is <see cref="PermanentStageException"/>.</summary>
    public static bool IsPermanent(string errorType) => errorType == typeof(PermanentStageException).FullName;

    /// <summary>
    /// What clients are told. Sentences about pictures and models are written for them; any other failure is told by its kind, because its
    /// text names hosts and components. The workflow logs it.
    /// </summary>
    public static string Tell(WorkflowTaskFailureDetails failure) =>
        failure.ErrorType == typeof(PermanentStageException).FullName || failure.ErrorType == typeof(ModelException).FullName ? failure.ErrorMessage
        : failure.ErrorType == typeof(TimeoutException).FullName ? "STAGE_TIMEOUT: the stage took too long"
        : "STAGE_FAILED: a part of the platform did not answer";
}
