using LocalServers.Processes;

namespace LocalServers;

/// <summary>
/// A private server on the loopback interface, with its data in a directory of its own, from what is installed on this machine. It ends with the
/// process that started it, however that ends, unless it was started as a daemon.
/// </summary>
public abstract class LocalServer : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private ServerProcess? _process;
    private bool _daemon;

    private protected LocalServer(string directory, int port)
    {
        DataDirectory = Path.GetFullPath(directory);
        Port = port == 0 ? FreePort.Next() : port;
    }

    /// <summary>What people call it: redis, rabbitmq, postgresql.</summary>
    public abstract string Name { get; }

    /// <summary>Always of this address; nothing listens on another interface.</summary>
    public string Host => "127.0.0.1";

    /// <summary>Chosen once, so that it is the same after a restart.</summary>
    public int Port { get; }

    /// <summary>Configuration, data and log; made when it is missing, for the owner alone.</summary>
    public string DataDirectory { get; }

    /// <summary>What the server says.</summary>
    public string Log => Path.Combine(DataDirectory, "server.log");

    /// <summary>Debian's package with the program.</summary>
    public abstract string Package { get; }

    /// <summary>Null when the program is installed, else one sentence with the command that installs it.</summary>
    public abstract string? Missing { get; }

    private protected string InstallCommand => $"apt-get install -y --no-install-recommends {Package}";

    /// <summary>How long the first answer may take.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>How long an orderly end may take before the server is killed.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Process id of the server, null while it does not run.</summary>
    public int? Pid => _process is { IsAlive: true } process ? process.Pid : null;

    /// <summary>The signal for an orderly end that does not wait for clients.</summary>
    private protected virtual int StopSignal => Libc.SigTerm;

    /// <summary>Returns when the server answers. Does nothing when it runs.</summary>
    public Task StartAsync(CancellationToken cancellationToken = default) => StartAsync(daemon: false, cancellationToken);

    /// <summary>As <see cref="StartAsync(CancellationToken)"/>, for a server that outlives this process; <see cref="TryAttach"/> finds it again.</summary>
    public Task StartDaemonAsync(CancellationToken cancellationToken = default) => StartAsync(daemon: true, cancellationToken);

    /// <summary>Finds the daemon of this directory; false when none runs.</summary>
    public bool TryAttach()
    {
        _process ??= ServerProcess.Find(DataDirectory);
        _daemon = _process is { IsDaemon: true };
        return _process is { IsAlive: true };
    }

    /// <summary>kill -9 of everything that belongs to the server; returns when it is gone.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            await process.KillAsync();
            _process = null;
        }
    }

    /// <summary>An orderly end, or kill -9 after <see cref="StopTimeout"/>.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            await process.StopAsync(StopSignal, StopTimeout);
            _process = null;
        }
    }

    /// <summary>Stops the server if it runs and starts it with the same port and data. After <see cref="KillAsync"/>: the restart after a crash.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken = default)
    {
        await StopAsync();
        await StartAsync(_daemon, cancellationToken);
    }

    /// <summary>SIGSTOP: connections stay open and nothing is answered. Returns when no thread of the server runs any more.</summary>
    public Task PauseAsync() => _process?.FreezeAsync() ?? Task.CompletedTask;

    /// <summary>SIGCONT.</summary>
    public void Resume() => _process?.Signal(Libc.SigCont);

    /// <summary>Stops what this process started; a daemon goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { IsDaemon: false })
        {
            await StopAsync();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Writes configuration files and makes what a first start needs.</summary>
    private protected abstract Task<ServerCommand> PrepareAsync(CancellationToken cancellationToken);

    /// <summary>Whether it answers as a client needs it. Any exception means not yet.</summary>
    private protected abstract Task<bool> AnswersAsync(CancellationToken cancellationToken);

    private async Task StartAsync(bool daemon, CancellationToken cancellationToken)
    {
        if (_process is { IsAlive: true } || TryAttach())
        {
            return;
        }

        // What is left of one that ended by itself.
        await KillAsync();
        if (!await IsPortFreeAsync(cancellationToken))
        {
            throw new LocalServerException($"{Name} cannot start: another process listens on {Host}:{Port}");
        }

        _daemon = daemon;
        if (Missing is { } missing)
        {
            throw new LocalServerException(missing);
        }

        Directory.CreateDirectory(DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _process = ServerProcess.Start(await PrepareAsync(cancellationToken), DataDirectory, Log, daemon);
        try
        {
            await ReadyAsync(_process, cancellationToken);
        }
        catch
        {
            await KillAsync();
            throw;
        }
    }

    /// <summary>The last threads of a server that was killed hold its socket a moment longer than its process is there.</summary>
    private async Task<bool> IsPortFreeAsync(CancellationToken cancellationToken)
    {
        for (var look = 0; look < 100; look++)
        {
            if (FreePort.IsFree(Port))
            {
                return true;
            }

            await Task.Delay(Interval, cancellationToken);
        }

        return false;
    }

    private async Task ReadyAsync(ServerProcess process, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartTimeout);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            while (!await IsReadyAsync(end.Token))
            {
                if (!process.IsAlive)
                {
                    throw new LocalServerException($"{Name} on {Host}:{Port} ended while it started: {LastWords()} ({Log})");
                }

                await Task.Delay(Interval, end.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LocalServerException($"{Name} on {Host}:{Port} did not answer within {StartTimeout.TotalSeconds:0} s: {LastWords()} ({Log})");
        }
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await AnswersAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private string LastWords()
    {
        var lines = File.Exists(Log) ? File.ReadLines(Log).Where(line => line.Trim().Length > 0).TakeLast(3).ToArray() : [];
        return lines.Length == 0 ? "it said nothing" : string.Join(" | ", lines);
    }
}
