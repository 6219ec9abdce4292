using System.Collections.Concurrent;
using System.Text;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.Tests;

/// <summary>Conditional writes of two instances while the server is killed and frozen.</summary>
public sealed class StateFaultTests
{
    private const int Acknowledged = 600;

    [Fact]
    public async Task No_acknowledged_write_is_lost_and_none_is_applied_twice_when_the_server_is_killed()
    {
        await RunAsync(async server =>
        {
            await server.KillAsync();
            await server.RestartAsync();
        });
    }

    [Fact]
    public async Task Nor_when_the_server_is_frozen_beyond_the_timeout()
    {
        await RunAsync(async server =>
        {
            await server.PauseAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(700));
            server.Resume();
        });
    }

    /// <summary>
    /// Writers append their own words to one value, each by the etag that they read. A word whose write was acknowledged is there once, one whose
    /// fate is unknown at most once, and one that was refused never.
    /// </summary>
    private static async Task RunAsync(Func<LocalServers.RedisServer, Task> disturb)
    {
        await using var run = await RedisRun.StartAsync();
        // Options that differ make the two instances have a connection each, as two processes have.
        IStateStore[] instances =
        [
            await run.CreateAsync<IStateStore>("state.redis", ("readTimeout", "300ms")),
            await run.CreateAsync<IStateStore>("state.redis", ("readTimeout", "301ms")),
        ];
        var patient = await run.CreateAsync<IStateStore>("state.redis", ("readTimeout", "60s"));
        await patient.WriteAsync(new StateWrite("key", Encoding.UTF8.GetBytes("begin")), default);
        var acknowledged = new ConcurrentBag<string>();
        var unknown = new ConcurrentBag<string>();
        var names = 0;

        var writers = Enumerable.Range(0, 6).Select(writer => Task.Run(async () =>
        {
            while (acknowledged.Count < Acknowledged)
            {
                var word = $"w{Interlocked.Increment(ref names)}";
                try
                {
                    var store = instances[writer % instances.Length];
                    var item = (await store.GetAsync("key", default))!;
                    var next = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(item.Value.Span) + " " + word);
                    await store.WriteAsync(new StateWrite("key", next, item.ETag), default);
                    acknowledged.Add(word);
                }
                catch (ETagMismatchException)
                {
                    // Refused: never there.
                }
                catch (RedisConnectionException exception)
                {
                    // Never silent: the caller knows that it does not know.
                    if (exception.MayHaveRun)
                    {
                        unknown.Add(word);
                    }
                }
            }
        })).ToArray();

        for (var kills = 1; kills <= 3; kills++)
        {
            await Wait.UntilAsync(() => Task.FromResult(acknowledged.Count >= kills * Acknowledged / 4));
            await disturb(run.Server);
        }

        await Task.WhenAll(writers).WaitAsync(Wait.Limit);
        var stored = Encoding.UTF8.GetString((await patient.GetAsync("key", default))!.Value.Span).Split(' ')[1..];
        Assert.Distinct(stored);
        Assert.Empty(acknowledged.Except(stored));
        Assert.Empty(stored.Except(acknowledged).Except(unknown));
    }
}
