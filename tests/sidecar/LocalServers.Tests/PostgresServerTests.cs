using Npgsql;
using TestServers;

namespace LocalServers.Tests;

public sealed class PostgresServerTests
{
    [Fact]
    public async Task Committed_rows_survive_kill_and_restart_in_a_path_with_spaces()
    {
        await using var postgres = new PostgresServer(Servers.NewDirectory("a database "));
        Servers.SkipUnlessInstalled(postgres);
        await postgres.StartAsync();
        var connectionString = await postgres.CreateDatabaseAsync("Te st") + ";Pooling=false";
        await ExecuteAsync(connectionString, "create table t (n int); insert into t select generate_series(1, 100)");
        await using var open = new NpgsqlConnection(connectionString);
        await open.OpenAsync();

        await postgres.KillAsync();
        await postgres.RestartAsync();

        Assert.Equal(100L, await ExecuteAsync(connectionString, "select count(*) from t"));
        Assert.Equal("on", await ExecuteAsync(connectionString, "show fsync"));
    }

    [Fact]
    public async Task Stops_at_once_with_a_client_connected_and_takes_a_quick_setting()
    {
        await using var postgres = await Servers.NewPostgresAsync(new PostgresServerOptions { Durable = false, Settings = ["work_mem=5MB"] });
        await using var open = new NpgsqlConnection(postgres.ConnectionString() + ";Pooling=false");
        await open.OpenAsync();

        Assert.Equal("off", await ExecuteAsync(postgres.ConnectionString(), "show fsync"));
        Assert.Equal("5MB", await ExecuteAsync(postgres.ConnectionString(), "show work_mem"));
        await postgres.StopAsync();
        Assert.Null(postgres.Pid);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_and_two_servers_are_apart()
    {
        var postgres = await Servers.PostgresAsync();
        await using var second = await Servers.NewPostgresAsync(new PostgresServerOptions { Durable = false });
        await second.CreateDatabaseAsync("only");

        var failure = await Assert.ThrowsAsync<PostgresException>(
            () => ExecuteAsync(postgres.ConnectionString().Replace(postgres.Password, "wrong", StringComparison.Ordinal), "select 1"));

        Assert.Equal(PostgresErrorCodes.InvalidPassword, failure.SqlState);
        Assert.Equal("0", await postgres.QueryAsync("select count(*) from pg_database where datname = 'only'"));
    }

    [Fact]
    public async Task A_paused_server_does_not_answer_on_open_connections_either()
    {
        await using var postgres = await Servers.NewPostgresAsync(new PostgresServerOptions { Durable = false });
        await using var open = new NpgsqlConnection(postgres.ConnectionString());
        await open.OpenAsync();
        await postgres.PauseAsync();
        await using var command = new NpgsqlCommand("select 1", open);
        var answer = command.ExecuteScalarAsync();

        await Assert.ThrowsAsync<TimeoutException>(() => answer.WaitAsync(TimeSpan.FromMilliseconds(200)));
        postgres.Resume();

        Assert.Equal(1, await answer);
    }

    [Fact]
    public void A_missing_program_is_one_sentence_with_the_command_that_installs_it() =>
        Assert.Equal(
            "initdb of PostgreSQL is not installed: apt-get install -y --no-install-recommends postgresql",
            new PostgresServer(Servers.NewDirectory(), new PostgresServerOptions { BinDirectory = "/no/such/folder" }).Missing);

    [Fact]
    public async Task A_folder_that_its_user_cannot_reach_is_told_in_one_sentence()
    {
        var closed = Servers.NewDirectory();
        await using var postgres = new PostgresServer(Path.Combine(closed, "data"));
        Servers.SkipUnlessInstalled(postgres);
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "an ordinary user runs PostgreSQL himself");
        File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var failure = await Assert.ThrowsAsync<LocalServerException>(() => postgres.StartAsync());

        Assert.Contains("cannot reach", failure.Message);
    }

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
