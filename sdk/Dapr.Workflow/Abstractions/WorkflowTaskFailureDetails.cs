namespace Dapr.Workflow;

/// <summary>An exception as it travels between app and engine.</summary>
/// <param name="errorType">Full name of the exception's type, or a name given by the engine.</param>
/// <param name="errorMessage">The exception's text.</param>
/// <param name="stackTrace">Its stack trace, if known.</param>
public class WorkflowTaskFailureDetails(string errorType, string errorMessage, string? stackTrace = null)
{
    /// <summary>Full name of the exception's type, or a name given by the engine.</summary>
    public string ErrorType { get; } = errorType;

    /// <summary>The exception's text.</summary>
    public string ErrorMessage { get; } = errorMessage;

    /// <summary>The stack trace, if known.</summary>
    public string? StackTrace { get; } = stackTrace;

    /// <summary>
    /// True when the failure was an exception of type <typeparamref name="T"/> or of one derived from it. A type this
    /// process has not loaded is none.
    /// </summary>
    /// <typeparam name="T">The exception type asked for.</typeparam>
    public bool IsCausedBy<T>()
        where T : Exception
    {
        if (ErrorType == typeof(T).FullName)
        {
            return true;
        }

        // Workers in other languages send names that are no type names.
        if (ErrorType.Length == 0 || ErrorType.Contains(',', StringComparison.Ordinal))
        {
            return false;
        }

        var thrown = AppDomain.CurrentDomain.GetAssemblies().Select(a => a.GetType(ErrorType)).FirstOrDefault(t => t is not null);
        return thrown is not null && typeof(T).IsAssignableFrom(thrown);
    }

    /// <inheritdoc />
    public override string ToString() => $"{ErrorType}: {ErrorMessage}";
}
