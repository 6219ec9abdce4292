namespace Sidecar.Components.Tandem.Store;

/// <summary>The open stores of the process: opened with the first component that needs one, closed with the last.</summary>
internal static class FileStores
{
    private static readonly SemaphoreSlim Gate = new(1);
    private static readonly Dictionary<string, Shared> Open = new(StringComparer.Ordinal);

    /// <summary>The store below a data directory. The options count for whoever opens it first.</summary>
    public static async Task<FileStoreLease> AcquireAsync(string dataDirectory, StoreOptions options, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(Path.GetFullPath(dataDirectory), "store");
        await Gate.WaitAsync(cancellationToken);
        try
        {
            if (!Open.TryGetValue(directory, out var shared))
            {
                // Reading a large log takes a moment; not on the caller's thread.
                shared = new Shared(await Task.Run(() => FileStore.Open(directory, options), cancellationToken));
                Open.Add(directory, shared);
            }

            shared.Leases++;
            return new FileStoreLease(directory, shared.Store);
        }
        finally
        {
            Gate.Release();
        }
    }

    internal static async ValueTask ReleaseAsync(string directory)
    {
        await Gate.WaitAsync();
        try
        {
            var shared = Open[directory];
            if (--shared.Leases == 0)
            {
                Open.Remove(directory);
                await shared.Store.DisposeAsync();
            }
        }
        finally
        {
            Gate.Release();
        }
    }

    private sealed class Shared(FileStore store)
    {
        public FileStore Store { get; } = store;

        public int Leases { get; set; }
    }
}

/// <summary>A component's share in an open store.</summary>
internal sealed class FileStoreLease(string directory, FileStore store) : IAsyncDisposable
{
    private int _released;

    public FileStore Store { get; } = store;

    public ValueTask DisposeAsync() =>
        Interlocked.Exchange(ref _released, 1) == 0 ? FileStores.ReleaseAsync(directory) : ValueTask.CompletedTask;
}
