using System.Diagnostics;
using LocalServers;
using TestServers;

namespace LocalServers.Tests;

/// <summary>kill -9 of the process that started a server: nothing of the server is left.</summary>
public sealed class ParentTests
{
    [Theory]
    [InlineData("redis", "running")]
    [InlineData("rabbitmq", "running")]
    [InlineData("postgresql", "running")]
    [InlineData("redis", "frozen")]
    [InlineData("postgresql", "frozen")]
    public async Task Server_ends_when_its_parent_is_killed(string name, string state)
    {
        var directory = Servers.NewDirectory();
        Servers.SkipUnlessInstalled(name switch
        {
            "redis" => new RedisServer(directory),
            "rabbitmq" => new RabbitMqServer(directory),
            _ => new PostgresServer(directory),
        });
        using var parent = Process.Start(new ProcessStartInfo("dotnet", [typeof(ParentTests).Assembly.Location, "parent", name, state, directory])
        {
            RedirectStandardOutput = true,
        })!;
        var line = await parent.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2)) ?? "";
        Assert.Matches("^[0-9]+ [0-9]+$", line);
        Assert.NotEmpty(ProcessesOf(directory));

        parent.Kill();

        await Wait.UntilAsync(() => ProcessesOf(directory).Length == 0);
    }

    /// <summary>Every process whose command line or environment names the directory; the test process names it nowhere.</summary>
    private static string[] ProcessesOf(string directory) =>
        [.. Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _))
            .Where(folder => Read(folder, "cmdline").Contains(directory, StringComparison.Ordinal) || Read(folder, "environ").Contains(directory, StringComparison.Ordinal)
                || Target(folder).StartsWith(directory, StringComparison.Ordinal))];

    private static string Target(string folder)
    {
        try
        {
            return File.ResolveLinkTarget(Path.Combine(folder, "cwd"), false)?.FullName ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private static string Read(string folder, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
