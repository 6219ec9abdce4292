using System.Diagnostics;
using System.Globalization;
using Launcher.Data;
using Launcher.Run;

namespace Launcher.Commands;

/// <summary><c>daprw dashboard</c>: the page of the run, until Ctrl-C, which reaches both processes.</summary>
internal static class DashboardCommand
{
    public static async Task<int> ExecuteAsync(DataDirectory data, ushort port, CancellationToken cancellationToken)
    {
        data.Create();
        var program = await Builder.ProgramAsync(data, Repository.DashboardProject, cancellationToken);
        using var process = Process.Start("dotnet", [program, "--data-dir", data.Root, "--port", port.ToString(CultureInfo.InvariantCulture)]);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
