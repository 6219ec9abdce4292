using System.Diagnostics;
using Launcher.Run;
using TestKit;

namespace Launcher.Tests;

/// <summary>The wrapper script: what it says when something is missing, and the hand-over to a real dapr.</summary>
public sealed class DaprwTests : IDisposable
{
    private readonly TempDirectory _drafts = new();
    private readonly TempDirectory _tools = new();
    private readonly TempDirectory _root = new();

    public void Dispose()
    {
        _drafts.Dispose();
        _tools.Dispose();
        _root.Dispose();
    }

    [Fact]
    public async Task Says_what_to_install_without_dotnet() =>
        Assert.Equal(
            (1, "daprw: the .NET SDK 10.0.100 or later is needed: https://dotnet.microsoft.com/download"),
            await RunAsync(engine: null, "run"));

    [Fact]
    public async Task Says_what_to_install_when_dotnet_is_too_old()
    {
        Tool("dotnet", "echo 9.0.304");

        Assert.Equal((1, "daprw: the .NET SDK 10.0.100 or later (10.x) is needed, found 9.0.304"), await RunAsync(engine: null, "run"));
    }

    [Fact]
    public async Task Hands_over_to_dapr_with_all_arguments()
    {
        Tool("dapr", """for argument in "$@"; do echo "[$argument]"; done; exit 7""");

        Assert.Equal((7, "[run]\n[-f]\n[a b.yaml]\n[--log-level]\n[debug]"), await RunAsync("dapr", "run", "-f", "a b.yaml", "-c", "redis", "--log-level", "debug"));
    }

    [Fact]
    public async Task Makes_the_secrets_that_the_components_name_before_dapr_runs_and_never_again()
    {
        Tool("dapr", $"PATH=/usr/bin:/bin exec cat '{_root.Path}/.data/secrets.json'");

        var (code, made) = await RunAsync("dapr", "run", "-f", ".");
        Assert.Equal(0, code);
        Assert.Matches("""^\{"identity-encryption-key":"[0-9a-f]{64}","callback-signing":"whsec_[0-9a-f]{64}"\}$""", made);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_root.Path, ".data", "secrets.json")));
        Assert.Equal((0, made), await RunAsync("dapr", "run", "-f", "."));
    }

    [Fact]
    public async Task Refuses_the_local_components_with_dapr()
    {
        Tool("dapr", "echo must not run");

        var (code, output) = await RunAsync("dapr", "run", "-f", ".", "-c", "local");
        Assert.Equal(
            (1, "daprw: the components of -c local exist in the embedded sidecar only: leave out -c local or DAPR_ENGINE=dapr"), (code, output));
    }

    [Fact]
    public async Task Says_that_dapr_is_not_installed()
    {
        var (code, output) = await RunAsync("dapr", "run", "-f", ".");

        Assert.Equal(1, code);
        Assert.StartsWith("daprw: DAPR_ENGINE=dapr needs the dapr CLI, which is not installed", output, StringComparison.Ordinal);
    }

    /// <summary>In a folder of its own, with a PATH that has the standard tools of a script and what the test put there, no more.</summary>
    private async Task<(int Code, string Output)> RunAsync(string? engine, params string[] arguments)
    {
        foreach (var tool in (string[])["dirname", "readlink", "cut", "tr", "od", "mkdir", "mv"])
        {
            Tool(tool, $"""PATH=/usr/bin:/bin exec {tool} "$@" """);
        }

        var script = Path.Combine(_root.Path, "daprw");
        await InstallAsync(_root.Path, Path.Combine(Repository.Root, "daprw"));
        await InstallAsync(_tools.Path, Directory.GetFiles(_drafts.Path));
        await using var daprw = new LaunchedRun();
        daprw.StartProgram(
            new Dictionary<string, string?> { ["PATH"] = _tools.Path, ["DAPR_ENGINE"] = engine }, script, arguments);
        return (await daprw.ExitsAsync(), daprw.Output.Trim());
    }

    private void Tool(string name, string script) => File.WriteAllText(Path.Combine(_drafts.Path, name), $"#!/bin/sh\n{script}\n");

    /// <summary>
    /// By another process: what this one has open for writing is so for a moment, too, in every process that other tests start meanwhile, and
    /// a file that is open for writing cannot be executed.
    /// </summary>
    private static async Task InstallAsync(string folder, params string[] files)
    {
        using var install = Process.Start("install", ["-m", "700", "--", .. files, folder]);
        await install.WaitForExitAsync().WaitAsync(LaunchedRun.Patience);
        Assert.Equal(0, install.ExitCode);
    }
}
