using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using LocalServers;
using Sidecar.Abstractions;

namespace Sidecar.Components.PostgreSql.Tests;

/// <summary>What an operator reads when a component cannot start: where it looked, what came back, what to do. Never the password.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private const string Secret = "s3cret-of-the-test";
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_wrong_password() =>
        await RefusedAsync<IOException>("the server refuses this user; check 'user' and 'password'", ("password", Secret));

    [Fact]
    public async Task No_password() => await RefusedAsync<IOException>("No password", ("password", ""));

    [Fact]
    public async Task A_wrong_user() => await RefusedAsync<IOException>("the server refuses this user", ("user", "nobody"), ("password", Secret));

    [Fact]
    public async Task A_wrong_database() =>
        await RefusedAsync<IOException>("database \"absent\" does not exist (3D000): create the database (CREATE DATABASE absent)", ("database", "absent"));

    [Fact]
    public async Task A_port_where_nobody_listens()
    {
        var port = FreePort.Next();

        var refused = await RefusedAsync<IOException>("is the server up, and are host and port right?", ("port", $"{port}"), ("password", Secret));

        // Which makes the sidecar try again until initTimeout.
        Assert.IsType<SocketException>(refused.InnerException);
        Assert.Contains($"PostgreSQL 127.0.0.1:{port}, database '{_database.Name}', user 'postgres'", refused.Message);
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers()
    {
        await using var server = new FakeServer((_, stop) => Task.Delay(Timeout.Infinite, stop));

        var refused = await RefusedAsync<IOException>(
            "accepts connections and does not answer ('connect_timeout')", ("port", $"{server.Port}"), ("connectionString", "connect_timeout=1"), ("password", Secret));

        Assert.IsType<SocketException>(refused.InnerException);
    }

    [Fact]
    public async Task A_server_that_speaks_another_protocol()
    {
        await using var server = new FakeServer(async (stream, stop) =>
        {
            _ = await stream.ReadAsync(new byte[1024], stop);
            await stream.WriteAsync("-ERR unknown command\r\n"u8.ToArray(), stop);
        });

        await RefusedAsync<IOException>("Is it PostgreSQL that listens there?", ("port", $"{server.Port}"), ("password", Secret));
    }

    [Fact]
    public async Task A_server_that_is_too_old()
    {
        await using var server = new FakeServer(async (stream, stop) =>
        {
            var buffer = new byte[1024];
            _ = await stream.ReadAsync(buffer, stop);
            if (BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(4)) == 80877103)
            {
                // TLS is asked for first.
                await stream.WriteAsync("N"u8.ToArray(), stop);
                _ = await stream.ReadAsync(buffer, stop);
            }

            await stream.WriteAsync((byte[])[
                .. Message('R', [0, 0, 0, 0]),
                .. Message('S', "server_version\09.6.24\0"u8), .. Message('S', "client_encoding\0UTF8\0"u8), .. Message('S', "standard_conforming_strings\0on\0"u8),
                .. Message('K', [0, 0, 0, 1, 0, 0, 0, 1]), .. Message('Z', "I"u8)], stop);
            await Task.Delay(Timeout.Infinite, stop);
        });

        await RefusedAsync<ComponentException>("PostgreSQL 13 or later is needed, this is 9.6.24; upgrade the server", ("port", $"{server.Port}"));
    }

    [Fact]
    public async Task Tls_that_the_server_does_not_have() =>
        await RefusedAsync<IOException>("SSL", ("connectionString", "sslmode=verify-full"));

    [Fact]
    public async Task No_permission_to_make_tables_and_then_tables_made_by_an_administrator()
    {
        await _database.QueryAsync("CREATE ROLE app_user LOGIN PASSWORD 'p'; REVOKE CREATE ON SCHEMA public FROM PUBLIC;");
        (string, string)[] login = [("user", "app_user"), ("password", "p")];

        await RefusedAsync<IOException>("permission denied for schema public (42501): grant user 'app_user' what it needs", login);

        await _database.StateAsync();
        await _database.QueryAsync("GRANT SELECT, INSERT, UPDATE, DELETE ON state, dapr_metadata TO app_user");
        var store = await _database.StateAsync(login);
        await store.WriteAsync(new StateWrite("a", "1"u8.ToArray()), default);
        Assert.NotNull(await store.GetAsync("a", default));
        await _database.QueryAsync("DROP OWNED BY app_user; DROP ROLE app_user");
    }

    [Fact]
    public async Task A_schema_that_is_not_there() =>
        await RefusedAsync<IOException>("schema \"absent\" does not exist (3F000): create the schema", ("tablePrefix", "absent."));

    [Theory]
    [InlineData("tablePrefix", "a-b")]
    [InlineData("tablePrefix", "a.b.c_")]
    [InlineData("tablePrefix", "x; DROP TABLE state; --")]
    [InlineData("metadataTableName", "1st")]
    [InlineData("cleanupInterval", "often")]
    public async Task Names_and_times_that_cannot_be(string name, string value) => await RefusedAsync<ComponentException>($"metadata '{name}'", (name, value));

    [Fact]
    public async Task A_key_that_the_server_cannot_keep_fails_and_leaves_the_rest_alone()
    {
        var store = await _database.StateAsync(("maxConns", "1"));

        await Assert.ThrowsAsync<IOException>(async () => await store.WriteAsync(new StateWrite("a\0b", "1"u8.ToArray()), default));
        // Random, since the server would compress it.
        var longKey = Convert.ToHexString(System.Security.Cryptography.RandomNumberGenerator.GetBytes(4000));
        var tooLong = await Assert.ThrowsAsync<IOException>(async () => await store.TransactAsync([new("ok", "1"u8.ToArray()), new(longKey, "1"u8.ToArray())], default));

        Assert.Contains("index row", tooLong.Message);
        Assert.Null(await store.GetAsync("ok", default));
    }

    private async Task<T> RefusedAsync<T>(string expected, params (string, string)[] metadata) where T : Exception
    {
        var refused = await Assert.ThrowsAsync<T>(() => _database.StateAsync(metadata));
        Assert.Contains(expected, refused.Message);
        Assert.DoesNotContain(Secret, refused.ToString() + _database.Log.Text);
        Assert.DoesNotContain(_database.Server.Password, refused.ToString() + _database.Log.Text);
        return refused;
    }

    private static byte[] Message(char type, ReadOnlySpan<byte> body)
    {
        var message = new byte[body.Length + 5];
        message[0] = (byte)type;
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length + 4);
        body.CopyTo(message.AsSpan(5));
        return message;
    }

    /// <summary>Listens and does with each connection what the test says.</summary>
    private sealed class FakeServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _accepting;

        public FakeServer(Func<NetworkStream, CancellationToken, Task> serve)
        {
            _listener.Start();
            _accepting = AcceptAsync(serve);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task AcceptAsync(Func<NetworkStream, CancellationToken, Task> serve)
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(client, serve);
            }
        }

        private async Task ServeAsync(TcpClient client, Func<NetworkStream, CancellationToken, Task> serve)
        {
            using (client)
            {
                await serve(client.GetStream(), _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
