namespace Launcher;

/// <summary>A mistake the operator can mend: one line that says what is wrong and what to do. Printed without a stack trace.</summary>
internal sealed class LauncherException(string message, int exitCode = 1) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
