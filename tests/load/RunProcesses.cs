using System.Diagnostics;
using System.Text.Json;

namespace Load;

/// <summary>The processes of a run on this machine, from the launcher's state file.</summary>
internal static class RunProcesses
{
    /// <summary>Processor time of each by its name; empty when <paramref name="data"/> is not the data folder of a run.</summary>
    public static IReadOnlyDictionary<string, TimeSpan> ProcessorTimes(DirectoryInfo data)
    {
        var file = Path.Combine(data.FullName, "run", "state.json");
        if (!File.Exists(file))
        {
            return new Dictionary<string, TimeSpan>();
        }

        using var state = JsonDocument.Parse(File.ReadAllBytes(file));
        return state.RootElement.GetProperty("processes").EnumerateArray().Where(process => process.TryGetProperty("pid", out _)).ToDictionary(
            process => process.GetProperty("name").GetString()!,
            process =>
            {
                using var running = Process.GetProcessById(process.GetProperty("pid").GetInt32());
                return running.TotalProcessorTime;
            });
    }
}
