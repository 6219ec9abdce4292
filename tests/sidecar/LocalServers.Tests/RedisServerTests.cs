using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using TestServers;

namespace LocalServers.Tests;

public sealed class RedisServerTests
{
    [Fact]
    public async Task Acknowledged_writes_survive_kill_and_restart_on_the_same_port()
    {
        await using var redis = await Servers.NewRedisAsync();
        var port = redis.Port;
        for (var key = 0; key < 100; key++)
        {
            Assert.Equal("+OK", await SayAsync(redis, $"SET key{key} {key}"));
        }

        await redis.KillAsync();
        Assert.Null(redis.Pid);
        await Assert.ThrowsAnyAsync<SocketException>(() => SayAsync(redis, "PING"));
        await redis.RestartAsync();

        Assert.Equal(port, redis.Port);
        Assert.Equal(":100", await SayAsync(redis, "DBSIZE"));
        Assert.Contains("always", await SayAsync(redis, "CONFIG GET appendfsync", lines: 5));
        await redis.StopAsync();
        await redis.StartAsync();
        Assert.Equal(":100", await SayAsync(redis, "DBSIZE"));
    }

    [Fact]
    public async Task A_password_is_asked_for_and_stands_in_no_command_line()
    {
        await using var redis = await Servers.NewRedisAsync(new RedisServerOptions { Password = "se cret\"" });

        Assert.StartsWith("-NOAUTH", await SayAsync(redis, "PING"));
        Assert.StartsWith("-WRONGPASS", await SayAsync(redis, "AUTH wrong"));
        Assert.DoesNotContain("se cret", await File.ReadAllTextAsync($"/proc/{redis.Pid}/cmdline"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(redis.DataDirectory, "redis.conf")));
    }

    [Fact]
    public async Task Speaks_tls_with_its_own_certificate()
    {
        await using var redis = await Servers.NewRedisAsync(new RedisServerOptions { Tls = true });
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, redis.Port);
        await using var stream = new SslStream(client.GetStream(), false, (_, certificate, _, _) => certificate!.Subject == "CN=localhost");

        await stream.AuthenticateAsClientAsync("localhost");
        await stream.WriteAsync("PING\r\n"u8.ToArray());

        Assert.Equal("+PONG", await new StreamReader(stream).ReadLineAsync());
    }

    [Fact]
    public async Task A_paused_server_accepts_and_does_not_answer()
    {
        await using var redis = await Servers.NewRedisAsync();
        await redis.PauseAsync();
        var answer = SayAsync(redis, "PING");

        await Assert.ThrowsAsync<TimeoutException>(() => answer.WaitAsync(TimeSpan.FromMilliseconds(200)));
        redis.Resume();

        Assert.Equal("+PONG", await answer);
    }

    [Fact]
    public async Task Two_at_once_in_a_path_with_spaces()
    {
        var folder = Servers.NewDirectory("two servers ");
        await using var one = new RedisServer(Path.Combine(folder, "one of them"));
        await using var two = new RedisServer(Path.Combine(folder, "the other"));
        Servers.SkipUnlessInstalled(one);

        await Task.WhenAll(one.StartAsync(), two.StartAsync());

        Assert.NotEqual(one.Port, two.Port);
        Assert.Equal("+OK", await SayAsync(one, "SET a 1"));
        Assert.Equal(":0", await SayAsync(two, "DBSIZE"));
    }

    [Fact]
    public async Task A_missing_program_is_one_sentence_with_the_command_that_installs_it()
    {
        await using var redis = new RedisServer(Servers.NewDirectory(), new RedisServerOptions { Executable = "no-such-redis" });

        var failure = await Assert.ThrowsAsync<LocalServerException>(() => redis.StartAsync());

        Assert.Equal("no-such-redis is not installed: apt-get install -y --no-install-recommends redis-server", failure.Message);
    }

    [Fact]
    public async Task A_taken_port_and_a_bad_setting_are_told()
    {
        await using var first = await Servers.NewRedisAsync();
        await using var second = new RedisServer(Servers.NewDirectory(), new RedisServerOptions { Port = first.Port });
        await using var bad = new RedisServer(Servers.NewDirectory(), new RedisServerOptions { Arguments = ["--no-such-setting", "1"] });

        Assert.Contains("another process listens", (await Assert.ThrowsAsync<LocalServerException>(() => second.StartAsync())).Message);
        Assert.Contains("no-such-setting", (await Assert.ThrowsAsync<LocalServerException>(() => bad.StartAsync())).Message);
    }

    [Fact]
    public async Task A_daemon_is_found_again_and_stopped()
    {
        var directory = Servers.NewDirectory();
        var started = new RedisServer(directory, new RedisServerOptions { Password = "p" });
        Servers.SkipUnlessInstalled(started);
        await started.StartDaemonAsync();
        await started.DisposeAsync();
        await using var found = new RedisServer(directory, new RedisServerOptions { Port = started.Port, Password = "p" });

        Assert.True(found.TryAttach());
        Assert.Equal(started.Pid, found.Pid);
        await found.StartDaemonAsync();
        Assert.Equal(started.Pid, found.Pid);

        await found.StopAsync();
        Assert.False(found.TryAttach());
        Assert.Null(started.Pid);
    }

    private static async Task<string> SayAsync(RedisServer redis, string command, int lines = 1)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, redis.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"));
        using var reader = new StreamReader(stream);
        var answer = new List<string>();
        while (answer.Count < lines && await reader.ReadLineAsync() is { } line)
        {
            answer.Add(line);
        }

        return string.Join(' ', answer);
    }
}
