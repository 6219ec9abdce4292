namespace Launcher.Tests;

/// <summary>A verb about a run, as a process of its own.</summary>
internal static class Verb
{
    /// <summary>Exit code and all that it printed.</summary>
    public static async Task<(int Code, string Output)> RunAsync(LaunchedRun run, params string[] arguments)
    {
        await using var verb = new LaunchedRun();
        verb.StartVerb([.. arguments, "--data-dir", run.Data.Root]);
        return (await verb.ExitsAsync(), verb.Output.Trim());
    }

    /// <summary>What a verb printed that went well.</summary>
    public static async Task<string> OutputAsync(LaunchedRun run, params string[] arguments)
    {
        var (code, output) = await RunAsync(run, arguments);
        Assert.True(code == 0, $"{string.Join(' ', arguments)}: exit code {code}: {output}");
        return output;
    }
}
