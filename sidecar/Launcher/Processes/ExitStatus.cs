using System.Globalization;

namespace Launcher.Processes;

/// <summary>How a process ended. .NET and shells report death by signal N as code 128 + N.</summary>
internal readonly record struct ExitStatus(int Code)
{
    public override string ToString() => Code is > 128 and < 160
        ? string.Create(CultureInfo.InvariantCulture, $"killed by signal {Code - 128}{Name(Code - 128)}")
        : string.Create(CultureInfo.InvariantCulture, $"exited with code {Code}");

    private static string Name(int signal) => signal switch
    {
        2 => " (INT)",
        6 => " (ABRT)",
        9 => " (KILL)",
        11 => " (SEGV)",
        15 => " (TERM)",
        _ => "",
    };
}
