using System.Globalization;
using System.Text.Json;
using Launcher.Access;
using Launcher.Data;
using Launcher.Run;
using Sidecar.Abstractions;

namespace Launcher.Commands;

/// <summary><c>daprw list</c>: the processes of the run, for people or as JSON with the names of <c>dapr list -o json</c>.</summary>
internal static class ListCommand
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    public static int Execute(DataDirectory data, bool json, TimeProvider time)
    {
        var state = RunState.Live(data);
        if (json)
        {
            Console.WriteLine(JsonSerializer.Serialize(state is null ? [] : Apps(state, SidecarAccess.ReadRun(data), time.GetUtcNow()), Json));
            return 0;
        }

        if (state is null)
        {
            Console.WriteLine(SidecarAccess.NothingRuns(data).Message);
            return 0;
        }

        List<string[]> rows = [["name", "pid", "app port", "dapr http", "dapr grpc", "age", "log"]];
        rows.AddRange(state.Processes.Select(process => (string[])
        [
            process.Name, Text(process.Pid), Text(process.AppPort), Text(process.HttpPort), Text(process.GrpcPort),
            process.Pid is null ? "-" : Age(time.GetUtcNow() - process.Started), process.Log,
        ]));
        rows.AddRange(SidecarAccess.ReadRun(data).Instances.Where(instance => state.Processes.All(process => process.AppId != instance.AppId)).Select(instance => (string[])
            [$"{instance.AppId}#0", "-", Text(instance.AppPort), Text(instance.HttpPort), Text(instance.GrpcPort), "-", "(started by somebody else)"]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }

        return 0;
    }

    /// <summary><c>12s</c>, <c>5m</c>, <c>3h</c>, <c>2d</c>.</summary>
    public static string Age(TimeSpan? age) => age switch
    {
        null => "-",
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.Value.TotalSeconds):0}s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.Value.TotalMinutes}m"),
        { TotalDays: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{(int)age.Value.TotalHours}h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)age.Value.TotalDays}d"),
    };

    private static IEnumerable<object> Apps(RunState state, SidecarRun run, DateTimeOffset now)
    {
        var sidecar = state.Processes.Single(process => process.AppId is null);
        return
            from instance in run.Instances
            let process = state.Processes.FirstOrDefault(process => process.AppId == instance.AppId && process.Index == instance.Index)
            select new
            {
                instance.AppId,
                instance.HttpPort,
                instance.GrpcPort,
                AppPort = instance.AppPort ?? 0,
                MetricsEnabled = instance.MetricsPort is not null,
                Command = process?.Command ?? "",
                Age = Age(now - process?.Started),
                Created = process?.Started?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "",
                DaprdPid = sidecar.Pid ?? 0,
                CliPid = state.LauncherPid,
                AppPid = process?.Pid ?? 0,
                MaxRequestBodySize = instance.MaxBodyBytes,
                HttpReadBufferSize = instance.ReadBufferBytes,
                RunTemplatePath = state.Template ?? "",
                AppLogPath = process?.Log ?? "",
                DaprdLogPath = sidecar.Log,
                RunTemplateName = state.Name ?? "",
            };
    }

    private static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
