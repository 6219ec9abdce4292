namespace ScanWorker.Stages;

/// <summary>A stage that failed in a way that no repetition mends: a picture that cannot be read, a request the model refuses.</summary>
public sealed class PermanentStageException(string message, Exception? innerException = null) : Exception(message, innerException);

/// <summary>Reads failures as they come back from activities.</summary>
public static class StageFailure
{
    /// <summary>Whether an activity's failure type is <see cref="PermanentStageException"/>.</summary>
    public static bool IsPermanent(string errorType) => errorType == typeof(PermanentStageException).FullName;
}
