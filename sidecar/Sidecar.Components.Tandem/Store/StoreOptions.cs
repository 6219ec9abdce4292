using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>Settings of the file store that no component sets; tests do.</summary>
internal sealed record StoreOptions
{
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public IStoreFiles Files { get; init; } = PhysicalStoreFiles.Instance;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Told once when the file cannot be written any more; the store then refuses everything until it is opened again.</summary>
    public Action<Exception> Fault { get; init; } = static _ => { };

    /// <summary>
    /// A snapshot is written, and what it makes needless deleted, when the files have so many bytes more than twice what is live.
    /// Default 64 MiB.
    /// </summary>
    public long CompactAfterBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>A frame of a snapshot is closed when it has so many bytes. Default 1 MiB.</summary>
    public int SnapshotFrameBytes { get; init; } = 1024 * 1024;

    /// <summary>A commit is closed when it has so many bytes. Default 4 MiB.</summary>
    public int MaxCommitBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Operations that wait for the writer; further callers wait for room. Default 4096.</summary>
    public int MaxQueuedOperations { get; init; } = 4096;

    /// <summary>What nobody waits for (acknowledgements) reaches the disk with the next commit or after so long. Default 100 ms.</summary>
    public TimeSpan LazyFlushDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How often expired keys, which are hidden at once, are removed. Default 30 s.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromSeconds(30);
}
