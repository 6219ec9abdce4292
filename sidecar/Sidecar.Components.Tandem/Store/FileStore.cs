using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The durable store of a data directory: key tables and brokers in memory, every change written ahead to a log. Reads take
/// no lock and see only what is committed. One process at a time; see <see cref="FileStores"/> for sharing within it.
/// </summary>
internal sealed partial class FileStore : IBrokerJournal, IAsyncDisposable
{
    private readonly StoreOptions _options;
    private readonly StoreModel _model;
    private readonly StoreLog _log;
    private readonly IDisposable _lock;
    private readonly Committer _committer;
    private readonly ITimer _sweeper;
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<string, MessageBroker> _memoryBrokers = new(StringComparer.Ordinal);
    private volatile Task _compaction = Task.CompletedTask;
    private double _bytesPerByte = 1;
    private long _countAt;

    private FileStore(string directory, StoreOptions options, IDisposable held)
    {
        _options = options;
        _lock = held;
        _model = new StoreModel(options.Time, this);
        _log = new StoreLog(options.Files, directory, options.SnapshotFrameBytes);
        try
        {
            _log.Open(_model);
            _model.EndReplay(options.Files);
        }
        catch (InvalidDataException exception)
        {
            _log.Dispose();
            throw new ComponentException(
                $"the store '{directory}' holds what this build does not know ({exception.Message}); run the build that wrote it, or {FrameFormat.Reset}", exception);
        }
        catch
        {
            _log.Dispose();
            throw;
        }

        _committer = new Committer(_log, _model, options, CompactWhenDue);
        _sweeper = options.Time.CreateTimer(
            static store => ((FileStore)store!).Sweep(), this, options.SweepInterval, options.SweepInterval);
    }

    public TimeProvider Time => _options.Time;

    /// <summary>The compaction that runs or the last that ran.</summary>
    public Task Compaction => _compaction;

    /// <summary>
    /// Opens the store in a folder, which is made when absent. Throws <see cref="ComponentException"/> when another process
    /// has it, when its format is unknown, and when it is damaged.
    /// </summary>
    public static FileStore Open(string directory, StoreOptions options)
    {
        IDisposable held;
        try
        {
            Make(options.Files, directory);
            held = options.Files.Lock(directory);
        }
        catch (StoreInUseException inUse)
        {
            throw new ComponentException(
                $"the store '{directory}' is in use by process {inUse.Holder}; stop that process or use another data directory");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotOpen(directory, exception);
        }

        try
        {
            return new FileStore(directory, options, held);
        }
        catch (Exception exception)
        {
            held.Dispose();
            if (exception is IOException or UnauthorizedAccessException)
            {
                throw CannotOpen(directory, exception);
            }

            throw;
        }
    }

    public KeyTable Table(string name) => _model.Table(name);

    /// <summary>The durable broker of a component.</summary>
    public MessageBroker Broker(string name) => _model.Broker(name);

    /// <summary>A broker of which nothing is written; it lasts as long as the store is open.</summary>
    public MessageBroker MemoryBroker(string name) =>
        _memoryBrokers.GetOrAdd(name, static (name, time) => new MessageBroker(name, time, journal: null), Time);

    /// <summary>Performs all writes or none.</summary>
    public ValueTask WriteAsync(
        KeyTable table, IReadOnlyList<StateWrite> writes, Durability durability, CancellationToken cancellationToken)
    {
        foreach (var write in writes)
        {
            WriteConditions.CheckForm(write);
        }

        return _committer.CommitAsync(new WriteOperation(table, Time, writes, durability), cancellationToken);
    }

    /// <summary>Appends all messages in one commit.</summary>
    public ValueTask PublishAsync(Topic topic, TopicEntry[] entries, Durability durability, CancellationToken cancellationToken) =>
        _committer.CommitAsync(new AppendOperation(topic, entries, durability), cancellationToken);

    /// <summary>Makes a lasting group unless it exists.</summary>
    public ValueTask EnsureGroupAsync(Topic topic, string group, Durability durability, CancellationToken cancellationToken) =>
        topic.HasGroup(group)
            ? ValueTask.CompletedTask
            : _committer.CommitAsync(new GroupOperation(topic, group, durability), cancellationToken);

    ValueTask IBrokerJournal.AcknowledgedAsync(Topic topic, string group, long sequence) =>
        _committer.SubmitAsync(new AcknowledgeOperation(topic, group, sequence), CancellationToken.None);

    ValueTask IBrokerJournal.FailedAsync(Topic topic, string group, long sequence, int failures) =>
        _committer.SubmitAsync(new FailureOperation(topic, group, sequence, failures), CancellationToken.None);

    /// <summary>Commits what was submitted and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sweeper.DisposeAsync();
        await _closing.CancelAsync();
        await Task.Run(_committer.Close);
        await _compaction;
        _log.Dispose();
        _lock.Dispose();
        _closing.Dispose();
    }

    private static ComponentException CannotOpen(string directory, Exception exception) => new(
        $"the store '{directory}' cannot be read and written: {exception.Message.TrimEnd('.')}; make that possible or use another data directory", exception);

    // The names on the way to the files must last as well. Where the folders exist, a process that ended may have made them just
    // now: the store's own and the data directory are flushed anyway.
    private static void Make(IStoreFiles files, string directory)
    {
        Create(directory);
        var dataDirectory = Path.GetDirectoryName(directory)!;
        files.FlushDirectory(dataDirectory);
        if (Path.GetDirectoryName(dataDirectory) is { } parent)
        {
            files.FlushDirectory(parent);
        }

        void Create(string path)
        {
            if (!files.DirectoryExists(path))
            {
                var parent = Path.GetDirectoryName(path)!;
                Create(parent);
                files.CreateDirectory(path);
                files.FlushDirectory(parent);
            }
        }
    }

    private void Sweep()
    {
        var now = Time.GetUtcNow().Ticks;
        foreach (var table in _model.Tables)
        {
            if (table.FindExpired(now) is { Count: > 0 } expired)
            {
                _ = _committer.SubmitAsync(new SweepOperation(table, expired), CancellationToken.None);
            }
        }
    }

    private void CompactWhenDue()
    {
        // To count what is live takes a moment: not after every commit.
        if (_log.Size < _countAt || !_compaction.IsCompleted || _closing.IsCancellationRequested)
        {
            return;
        }

        _countAt = _log.Size + (_options.CompactAfterBytes / 64);
        if (_log.Size + _log.SnapshotSize < _options.CompactAfterBytes + (2 * _model.Bytes * _bytesPerByte))
        {
            return;
        }

        _countAt = 0;
        var (number, firstFrame) = _log.Roll();
        _compaction = Task.Run(() => CompactAsync(number, firstFrame));
    }

    private async Task CompactAsync(long number, long firstFrame)
    {
        try
        {
            _log.WriteSnapshot(_model, number, firstFrame, _closing.Token);
            await _committer.CommitAsync(new FlushOperation(), CancellationToken.None);
            _log.InstallSnapshot(number);

            // The model only estimates; the file knows. Without it a wrong estimate would compact for ever.
            _bytesPerByte = Math.Max(1, (double)_log.SnapshotSize / Math.Max(1, _model.Bytes));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException && _closing.IsCancellationRequested)
        {
            // The logs are all there; the next run compacts.
        }
        catch (Exception exception)
        {
            LogCompactionFailed(_options.Logger, exception);
        }
    }

    [LoggerMessage(2901, LogLevel.Warning, "The store could not be compacted; its log is kept until a later try succeeds")]
    private static partial void LogCompactionFailed(ILogger logger, Exception exception);
}
