using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Worker;

/// <summary>Exceptions to and from their form on the wire.</summary>
internal static class FailureDetails
{
    public static TaskFailureDetails From(Exception exception, bool isNonRetriable = false) => new()
    {
        ErrorType = exception.GetType().FullName ?? exception.GetType().Name,
        ErrorMessage = exception.Message,
        StackTrace = exception.StackTrace,
        InnerFailure = exception.InnerException is { } inner ? From(inner) : null,
        IsNonRetriable = isNonRetriable,
    };

    public static TaskFailureDetails Create(string errorType, string message) =>
        new() { ErrorType = errorType, ErrorMessage = message, IsNonRetriable = true };

    public static WorkflowTaskFailureDetails Read(TaskFailureDetails? details) =>
        new(details?.ErrorType ?? "Unknown", details?.ErrorMessage ?? "", details?.StackTrace);
}
