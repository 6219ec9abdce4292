using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Amazon.S3;
using Xunit;

namespace S3Servers;

/// <summary>
/// The npm package s3rver, an S3 server that is not ours: one per test process, which ends with it. It checks key ids and expiry but no signatures; those
/// are what <see cref="S3Server"/> is for. The package is installed once per machine and lock file.
/// </summary>
public static class S3rver
{
    /// <summary>Its only key id and secret.</summary>
    public const string Key = "S3RVER";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static Process? _server;
    private static readonly Lazy<Task<string>> Running = new(StartAsync);

    /// <summary>Its address. Skips the test where Node or the package cannot be had.</summary>
    public static async Task<string> AddressAsync()
    {
        try
        {
            return await Running.Value;
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or OperationCanceledException)
        {
            Assert.Skip($"needs Node 20 or later and the npm package s3rver: {exception.Message}");
            throw;
        }
    }

    /// <summary>A bucket of the caller's own.</summary>
    public static async Task<(string Address, string Bucket)> NewBucketAsync()
    {
        var (address, bucket) = (await AddressAsync(), $"b{Guid.NewGuid():N}");
        using var client = Client(address);
        await client.PutBucketAsync(bucket);
        return (address, bucket);
    }

    /// <summary>To look at what lies there.</summary>
    public static AmazonS3Client Client(string address) => new(
        Key, Key, new AmazonS3Config { ServiceURL = address, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    private static async Task<string> StartAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        var folder = await InstallAsync(limit.Token);
        // Its standard input is closed when this process ends, however it ends: then it ends as well. Held here, or it would be closed before.
        _server = Process.Start(new ProcessStartInfo("node", ["server.cjs"])
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        var port = await _server.StandardOutput.ReadLineAsync(limit.Token) ?? throw new InvalidOperationException("s3rver ended at once");
        return string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
    }

    /// <summary>In a folder named after the lock file, so that another version is another folder.</summary>
    private static async Task<string> InstallAsync(CancellationToken cancellationToken)
    {
        var source = Path.Combine(AppContext.BaseDirectory, "Node");
        var hash = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(source, "package-lock.json"), cancellationToken)));
        var folder = Path.Combine(Path.GetTempPath(), "tandem-s3rver", hash[..16]);
        Directory.CreateDirectory(folder);
        await using var held = await LockAsync(Path.Combine(folder, "lock"), cancellationToken);
        foreach (var file in Directory.EnumerateFiles(source))
        {
            var copy = Path.Combine(folder, Path.GetFileName(file));
            var content = await File.ReadAllBytesAsync(file, cancellationToken);
            var copied = File.Exists(copy) ? await File.ReadAllBytesAsync(copy, cancellationToken) : null;
            // What is the same stays: the server of another process may be reading it.
            if (copied is null || !content.AsSpan().SequenceEqual(copied))
            {
                await File.WriteAllBytesAsync(copy, content, cancellationToken);
            }
        }

        var installed = Path.Combine(folder, "installed");
        if (!File.Exists(installed))
        {
            var start = new ProcessStartInfo("npm", ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"])
            {
                WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            try
            {
                var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
                var error = process.StandardError.ReadToEndAsync(cancellationToken);
                await process.WaitForExitAsync(cancellationToken);
                if (process.ExitCode != 0)
                {
                    throw new InvalidOperationException((await output + await error).Trim());
                }
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                throw;
            }

            await File.WriteAllTextAsync(installed, "", cancellationToken);
        }

        return folder;
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
