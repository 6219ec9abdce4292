using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using Xunit;

namespace TestServers;

/// <summary>
/// What tests run on Node: the programs in the folder <c>Node/</c> of the test project's output, with the npm packages they need, installed once per machine
/// and lock file.
/// </summary>
public static class NodeFolder
{
    /// <summary>How long an installation or a program may take.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>What comes of it; skips the test where Node or the package cannot be had.</summary>
    public static async Task<T> OrSkipAsync<T>(Task<T> started, string package)
    {
        try
        {
            return await started;
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or OperationCanceledException)
        {
            Assert.Skip($"needs Node 20 or later and the npm package {package}: {exception.Message}");
            throw;
        }
    }

    /// <summary>The installed folder: named after the lock file, so that another version is another one; the programs are copied each time.</summary>
    public static async Task<string> InstallAsync(string name)
    {
        using var limit = new CancellationTokenSource(Patience);
        var source = Path.Combine(AppContext.BaseDirectory, "Node");
        var hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(source, "package-lock.json"), limit.Token)));
        var folder = Path.Combine(Path.GetTempPath(), $"tandem-{name}", hash[..16]);
        Directory.CreateDirectory(folder);
        await using var alone = await LockAsync(Path.Combine(folder, "lock"), limit.Token);
        foreach (var file in Directory.EnumerateFiles(source))
        {
            // Replaced in one step: another test process may be starting the program.
            var target = Path.Combine(folder, Path.GetFileName(file));
            File.Copy(file, $"{target}.new", overwrite: true);
            File.Move($"{target}.new", target, overwrite: true);
        }

        var installed = Path.Combine(folder, "installed");
        if (!File.Exists(installed))
        {
            var (code, output) = await RunAsync("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"], folder, new Dictionary<string, string>(), limit.Token);
            if (code != 0)
            {
                throw new InvalidOperationException(output.Trim());
            }

            await File.WriteAllTextAsync(installed, "", limit.Token);
        }

        return folder;
    }

    /// <summary>Runs a program to its end and answers its exit code and what it printed.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
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

    /// <summary>One process installs at a time, the others wait for it. The lock ends with the process, however that ends.</summary>
    private static async Task<FileStream> LockAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException exception) when (exception.HResult is 11 or 35 or unchecked((int)0x80070020))
            {
                // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows: another process holds it.
                await Task.Delay(100, cancellationToken);
            }
        }
    }
}
