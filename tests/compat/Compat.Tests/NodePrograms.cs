using TestServers;

namespace Compat.Tests;

/// <summary>The programs in <c>Node/</c>, which use the Dapr SDK for JavaScript.</summary>
internal static class NodePrograms
{
    private static readonly Lazy<Task<string>> Folder = new(() => NodeFolder.InstallAsync("compat"));

    /// <summary>Runs a program of tests to its end and answers what it printed (TAP) and its exit code. Skips the test where Node or its packages cannot be had.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string file, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var folder = await NodeFolder.OrSkipAsync(Folder.Value, "@dapr/dapr");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(NodeFolder.Patience);
        return await NodeFolder.RunAsync("node", ["--test-reporter=tap", file], folder, environment, limit.Token);
    }
}
