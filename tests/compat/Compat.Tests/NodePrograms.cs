using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Compat.Tests;

/// <summary>The programs in <c>Node/</c> with the packages they need, installed once per machine and lock file.</summary>
internal static class NodePrograms
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly Lazy<Task<string>> Folder = new(InstallAsync);

    /// <summary>Runs a program of tests to its end and answers what it printed (TAP) and its exit code. Skips the test where Node or its packages cannot be had.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string file, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        string folder;
        try
        {
            folder = await Folder.Value;
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or OperationCanceledException)
        {
            Assert.Skip($"needs Node 20 or later and the npm package @dapr/dapr: {exception.Message}");
            throw;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        return await RunAsync("node", ["--test-reporter=tap", file], folder, environment, limit.Token);
    }

    /// <summary>In a folder named after the lock file, so that another version is another folder; the programs are copied each time.</summary>
    private static async Task<string> InstallAsync()
    {
        var source = Path.Combine(AppContext.BaseDirectory, "Node");
        var hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(source, "package-lock.json"))));
        var folder = Path.Combine(Path.GetTempPath(), "tandem-compat", hash[..16]);
        Directory.CreateDirectory(folder);
        await using var alone = await LockAsync(Path.Combine(folder, "lock"));
        foreach (var file in Directory.EnumerateFiles(source))
        {
            // Replaced in one step: another run may be starting the program.
            var target = Path.Combine(folder, Path.GetFileName(file));
            File.Copy(file, $"{target}.new", overwrite: true);
            File.Move($"{target}.new", target, overwrite: true);
        }

        var installed = Path.Combine(folder, "installed");
        if (!File.Exists(installed))
        {
            using var limit = new CancellationTokenSource(Patience);
            var (code, output) = await RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"], folder, new Dictionary<string, string>(), limit.Token);
            if (code != 0)
            {
                throw new InvalidOperationException(output.Trim());
            }

            await File.WriteAllTextAsync(installed, "", limit.Token);
        }

        return folder;
    }

    /// <summary>Waits until no other run writes to the folder; the file is held until it is closed.</summary>
    private static async Task<FileStream> LockAsync(string file)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(
        string program, string[] arguments, string folder, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
