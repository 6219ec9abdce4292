using Launcher;
using Launcher.Commands;

try
{
    return await CommandLine.RunAsync(args);
}
catch (LauncherException exception)
{
    Console.Error.WriteLine($"daprw: {exception.Message}");
    return exception.ExitCode;
}
catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"daprw: {exception.Message.ReplaceLineEndings(" ")}");
    return 1;
}
