namespace Sidecar.Workflows;

/// <summary>Why the engine refused an operation.</summary>
public enum WorkflowError
{
    /// <summary>A value of the request is missing or malformed.</summary>
    InvalidArgument,
    /// <summary>No such instance, or no such work item in flight.</summary>
    NotFound,
    /// <summary>The id belongs to an instance that has not ended.</summary>
    AlreadyExists,
    /// <summary>The state of the instance does not allow it.</summary>
    FailedPrecondition,
    /// <summary>The store or the engine cannot serve now; a retry may help.</summary>
    Unavailable,
}

/// <summary>A refused or failed operation of the workflow engine. The message is for the caller.</summary>
public sealed class WorkflowException : Exception
{
    /// <summary>Creates the exception.</summary>
    public WorkflowException(WorkflowError error, string message, Exception? innerException = null) : base(message, innerException) => Error = error;

    /// <summary>The reason.</summary>
    public WorkflowError Error { get; }

    internal static WorkflowException NoSuchInstance(string instanceId) =>
        new(WorkflowError.NotFound, $"no such instance exists: '{instanceId}'");
}
