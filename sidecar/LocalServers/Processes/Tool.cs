using System.Diagnostics;

namespace LocalServers.Processes;

/// <summary>Runs a program to its end.</summary>
internal static class Tool
{
    /// <summary>Exit code and all output.</summary>
    public static async Task<(int Code, string Output)> TryRunAsync(ServerCommand command, CancellationToken cancellationToken, string input = "")
    {
        var start = new ProcessStartInfo(command.Command[0], command.Command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in command.Environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input.AsMemory(), cancellationToken);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output + await errors);
    }

    /// <summary>The output; a failure says what the program said.</summary>
    public static async Task<string> RunAsync(ServerCommand command, CancellationToken cancellationToken, string input = "")
    {
        var (code, output) = await TryRunAsync(command, cancellationToken, input);
        return code == 0
            ? output
            : throw new LocalServerException($"'{string.Join(' ', command.Command)}' exited with code {code}: {output.Trim()}");
    }
}
