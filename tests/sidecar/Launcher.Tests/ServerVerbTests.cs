using Launcher.Servers;
using LocalServers;

namespace Launcher.Tests;

/// <summary>The private servers of <c>daprw up-servers</c>, and what a run makes of them.</summary>
public sealed class ServerVerbTests
{
    [Fact]
    public async Task All_servers_start_once_outlive_the_verb_stop_and_keep_their_data_and_passwords()
    {
        SkipUnlessInstalled([.. PrivateServers.Names]);
        await using var run = new LaunchedRun();
        OpenFor(run);
        try
        {
            var output = await Verb.OutputAsync(run, "up-servers");
            Assert.All(PrivateServers.Names, name => Assert.Contains($"{name} started on 127.0.0.1:", output, StringComparison.Ordinal));
            var servers = PrivateServers.Names.ToDictionary(name => name, name => new PrivateServers(run.Data).Running(name)!);
            Assert.All(servers.Values, server => Assert.NotNull(server.Pid));
            var postgres = (PostgresServer)servers["postgresql"];
            await postgres.QueryAsync("create table t (n int)");

            output = await Verb.OutputAsync(run, "up-servers", "postgresql", "redis");
            Assert.Contains($"redis runs on 127.0.0.1:{servers["redis"].Port}, pid {servers["redis"].Pid}", output, StringComparison.Ordinal);
            Assert.DoesNotContain(((RedisServer)servers["redis"]).Password!, output, StringComparison.Ordinal);
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(run.Data.Servers, "redis", "server.json")));

            Assert.Contains("postgresql stopped", await Verb.OutputAsync(run, "down-servers", "postgresql"), StringComparison.Ordinal);
            output = await Verb.OutputAsync(run, "servers");
            Assert.Matches("postgresql +stopped", output);
            Assert.Matches($"rabbitmq +runs +127.0.0.1:{servers["rabbitmq"].Port}", output);

            await Verb.OutputAsync(run, "up-servers", "postgresql");
            Assert.Equal("0", await postgres.QueryAsync("select count(*) from t"));
        }
        finally
        {
            await Verb.OutputAsync(run, "down-servers", "--delete");
        }

        Assert.All(PrivateServers.Names, name => Assert.False(Directory.Exists(Path.Combine(run.Data.Servers, name))));
    }

    [Fact]
    public async Task A_run_takes_the_address_and_password_of_the_private_redis()
    {
        SkipUnlessInstalled("redis");
        await using var run = new LaunchedRun();
        Directory.CreateDirectory(Path.Combine(run.Folder, "components", "redis"));
        File.WriteAllText(Path.Combine(run.Folder, "components", "redis", "statestore.yaml"), Component("statestore", "redisHost, value: \"localhost:6379\""));
        run.Data.Create();
        var folders = new[] { Path.Combine(run.Folder, "components", "redis") };
        try
        {
            var found = await RunServers.FindAsync(run.Data, folders, start: true, _ => { }, default);

            var redis = (RedisServer)new PrivateServers(run.Data).Running("redis")!;
            Assert.Equal(redis.Password, found.Environment["REDIS_PASSWORD"]);
            Assert.Contains(redis.Address, found.Rewrite!(File.ReadAllText(Path.Combine(folders[0], "statestore.yaml"))), StringComparison.Ordinal);
            Assert.Equal(found.Environment, RunServers.RunningIn(run.Data));
        }
        finally
        {
            await Verb.OutputAsync(run, "down-servers");
        }
    }

    [Fact]
    public async Task A_run_without_a_server_it_needs_names_component_address_and_what_to_do()
    {
        await using var run = new LaunchedRun();
        Directory.CreateDirectory(Path.Combine(run.Folder, "components", "redis"));
        run.Template($"resourcesPaths: [../components/redis], {LaunchedRun.Shell("a", "sleep 100")}");
        File.WriteAllText(
            Path.Combine(run.Folder, "components", "redis", "statestore.yaml"), Component("statestore", "connectionString, envRef: POSTGRES_CONNECTION_STRING"));

        run.Start("-c", "redis");

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains("component statestore (", run.Output, StringComparison.Ordinal);
        Assert.Contains("needs postgresql and POSTGRES_CONNECTION_STRING is not set: start one with './daprw up-servers postgresql'", run.Output, StringComparison.Ordinal);
    }

    private static string Component(string name, string metadata) =>
        $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: {{name}}
        spec:
          type: state.redis
          version: v1
          metadata:
            - {name: {{metadata}}}
        """;

    /// <summary>The user postgres has to pass through the folders of the test.</summary>
    private static void OpenFor(LaunchedRun run)
    {
        foreach (var folder in (string[])[run.Folder, Path.GetDirectoryName(run.Folder)!])
        {
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.OtherExecute);
        }
    }

    private static void SkipUnlessInstalled(params string[] names)
    {
        var folder = Path.GetTempPath();
        foreach (var name in names)
        {
            LocalServer server = name switch { "redis" => new RedisServer(folder), "rabbitmq" => new RabbitMqServer(folder), _ => new PostgresServer(folder) };
            Assert.SkipWhen(server.Missing is not null, server.Missing ?? "");
        }
    }
}
