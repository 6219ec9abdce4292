using LocalServers.Processes;

namespace LocalServers;

/// <summary>What differs from a durable PostgreSQL on a free port with a password of its own.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>Of the superuser <c>postgres</c>, set when the data is made; null makes one.</summary>
    public string? Password { get; init; }

    /// <summary>False for data that nobody misses: nothing waits for the disk.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>More settings as in postgresql.conf: <c>wal_level=logical</c>.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Folder of initdb, postgres and psql; null looks for it.</summary>
    public string? BinDirectory { get; init; }
}

/// <summary>A private PostgreSQL. It refuses root: started by root it runs as the user postgres, who must be able to reach the directory.</summary>
public sealed class PostgresServer : LocalServer
{
    /// <summary>The user of Debian's package, and the superuser of the databases.</summary>
    private const string User = "postgres";

    private readonly PostgresServerOptions _options;
    private readonly string? _bin;

    public PostgresServer(string directory, PostgresServerOptions? options = null)
        : base(directory, options?.Port ?? 0)
    {
        _options = options ?? new PostgresServerOptions();
        Password = _options.Password ?? LocalServers.Password.New();
        _bin = _options.BinDirectory ?? FindBin();
    }

    /// <inheritdoc/>
    public override string Name => "postgresql";

    /// <inheritdoc/>
    public override string Package => "postgresql";

    /// <inheritdoc/>
    public override string? Missing => (_bin is null || !File.Exists(Path.Combine(_bin, "initdb")), Environment.IsPrivilegedProcess && !HasUser()) switch
    {
        (true, _) => $"initdb of PostgreSQL is not installed: {InstallCommand}",
        (_, true) => $"PostgreSQL does not run as root and there is no user {User} to run it: {InstallCommand}",
        _ => null,
    };

    /// <summary>Of the superuser.</summary>
    public string Password { get; }

    private string Data => Path.Combine(DataDirectory, "data");

    // Fast: open transactions are rolled back, clients are not waited for.
    private protected override int StopSignal => Libc.SigInt;

    /// <summary>For Npgsql.</summary>
    public string ConnectionString(string database = "postgres") =>
        $"Host={Host};Port={Port};Username={User};Password={Password};Database={database}";

    /// <summary>Makes an empty database and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken = default)
    {
        await QueryAsync($"create database \"{name.Replace("\"", "\"\"")}\"", cancellationToken: cancellationToken);
        return ConnectionString(name);
    }

    /// <summary>Runs SQL with psql and returns what it prints.</summary>
    public async Task<string> QueryAsync(string sql, string database = "postgres", CancellationToken cancellationToken = default) =>
        (await Tool.RunAsync(Psql(database), cancellationToken, sql)).Trim();

    private protected override async Task<ServerCommand> PrepareAsync(CancellationToken cancellationToken)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await OpenTheWayAsync(cancellationToken);
        }

        if (!File.Exists(Path.Combine(Data, "PG_VERSION")))
        {
            await MakeDataAsync(cancellationToken);
        }

        string[] settings =
        [
            $"listen_addresses={Host}",
            // No socket file: its path has a limit of about 100 characters.
            "unix_socket_directories=",
            "max_connections=200",
            "shared_buffers=64MB",
            .. _options.Durable ? (string[])[] : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
            .. _options.Settings,
        ];
        return AsUser("postgres", ["-D", Data, "-p", $"{Port}", .. settings.SelectMany(setting => (string[])["-c", setting])]);
    }

    private protected override async Task<bool> AnswersAsync(CancellationToken cancellationToken) =>
        (await Tool.TryRunAsync(Psql("postgres", connectSeconds: 3), cancellationToken, "select 1")).Code == 0;

    /// <summary>In a draft that is renamed at the end: data that was made halfway is never started.</summary>
    private async Task MakeDataAsync(CancellationToken cancellationToken)
    {
        var draft = Data + ".new";
        if (Directory.Exists(draft))
        {
            Directory.Delete(draft, recursive: true);
        }

        var password = Path.Combine(DataDirectory, "initial-password");
        Directory.CreateDirectory(draft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        PrivateText.Write(password, Password + "\n");
        try
        {
            if (Environment.IsPrivilegedProcess)
            {
                await Tool.RunAsync(new ServerCommand(["chown", $"{User}:", draft, password]), cancellationToken);
            }

            string[] sync = _options.Durable ? [] : ["--no-sync"];
            await Tool.RunAsync(
                AsUser("initdb", ["-D", draft, "-U", User, "-A", "scram-sha-256", $"--pwfile={password}", "-E", "UTF8", "--locale=C.UTF-8", .. sync]),
                cancellationToken);
        }
        finally
        {
            File.Delete(password);
        }

        Directory.Move(draft, Data);
    }

    /// <summary>Others may pass through our directory, not look into it; the ones above are not ours to open.</summary>
    private async Task OpenTheWayAsync(CancellationToken cancellationToken)
    {
        File.SetUnixFileMode(DataDirectory, File.GetUnixFileMode(DataDirectory) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        var (code, _) = await Tool.TryRunAsync(AsUser("/bin/sh", ["-c", "cd \"$1\"", "sh", DataDirectory]), cancellationToken);
        if (code != 0)
        {
            throw new LocalServerException(
                $"PostgreSQL does not run as root but as user {User}, who cannot reach {DataDirectory}: give execute permission (chmod o+x) on the folders above it, or choose another place");
        }
    }

    private ServerCommand AsUser(string program, string[] arguments) => new(
    [
        .. Environment.IsPrivilegedProcess ? (string[])["setpriv", $"--reuid={User}", $"--regid={User}", "--clear-groups"] : [],
        Path.Combine(_bin!, program),
        .. arguments,
    ]);

    /// <summary>The client; who asks again does not wait long for a connection.</summary>
    private ServerCommand Psql(string database, int connectSeconds = 60) => new(
        [Path.Combine(_bin!, "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", Host, "-p", $"{Port}", "-U", User, "-d", database],
        new Dictionary<string, string> { ["PGPASSWORD"] = Password, ["PGCONNECT_TIMEOUT"] = $"{connectSeconds}" });

    /// <summary>Of the initdb in PATH, through its links; else the newest that Debian has installed, which it does not put into PATH.</summary>
    private static string? FindBin()
    {
        if (Installed.Find("initdb") is { } found)
        {
            return Path.GetDirectoryName(File.ResolveLinkTarget(found, returnFinalTarget: true)?.FullName ?? found);
        }

        const string debian = "/usr/lib/postgresql";
        return Directory.Exists(debian)
            ? Directory.GetDirectories(debian).Where(folder => int.TryParse(Path.GetFileName(folder), out _))
                .OrderByDescending(folder => int.Parse(Path.GetFileName(folder))).Select(folder => Path.Combine(folder, "bin"))
                .FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")))
            : null;
    }

    private static bool HasUser() => File.Exists("/etc/passwd") && File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{User}:", StringComparison.Ordinal));
}
