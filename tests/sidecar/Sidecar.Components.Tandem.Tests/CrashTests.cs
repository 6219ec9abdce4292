using System.Diagnostics;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.Tandem.Tests;

/// <summary>Kills a writing process with SIGKILL at random moments and looks at what it leaves.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private const int Rounds = 6;
    private readonly StoreFixture _fixture = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _fixture.DisposeAsync();

    [Fact]
    public async Task Kill_9_loses_nothing_acknowledged_and_leaves_no_half_transaction()
    {
        var random = new Random(20260101);
        var acknowledged = new List<string>();
        for (var round = 0; round < Rounds; round++)
        {
            acknowledged.AddRange(await RunVictimAsync(round, killAfter: random.Next(1, 2000)));

            var now = _fixture.Store.Time.GetUtcNow().Ticks;
            var messages = _fixture.Topic.Capture().Entries.Select(entry => Encoding.ASCII.GetString(entry.Data)).ToList();
            var published = messages.ToHashSet();
            Assert.Equal(messages.Count, published.Count);
            Assert.Equal(Enumerable.Range(1, messages.Count).Select(i => (long)i), _fixture.Topic.Capture().Entries.Select(entry => entry.Sequence));
            foreach (var line in acknowledged.Where(line => line[0] != '3'))
            {
                var id = line[2..];
                Assert.True(line[0] switch
                {
                    '0' => _fixture.Read("one:" + id) is not null,
                    '1' => _fixture.Read("left:" + id) is not null && _fixture.Read("right:" + id) is not null,
                    _ => published.Contains(id),
                }, $"round {round}: {line} was acknowledged and is gone");
            }

            // What the group has acknowledged was handled; all else it will get.
            var group = Assert.Single(_fixture.Topic.Capture().Groups);
            var handled = acknowledged.Where(line => line[0] == '3').Select(line => line[2..]).ToHashSet();
            Assert.All(
                _fixture.Topic.Capture().Entries.Where(entry => entry.Sequence <= group.AcknowledgedThrough || group.AcknowledgedBeyond.Any(range => range.First <= entry.Sequence && entry.Sequence <= range.Last)),
                entry => Assert.Contains(Encoding.ASCII.GetString(entry.Data), handled));

            var left = _fixture.Table.LiveKeys("left:", TimeProvider.System).Select(key => key["left:".Length..]);
            var right = _fixture.Table.LiveKeys("right:", TimeProvider.System).Select(key => key["right:".Length..]);
            Assert.Equal(left, right);
            await _fixture.CloseAsync();
        }

        Assert.True(acknowledged.Count > 100);
        TestContext.Current.TestOutputHelper?.WriteLine($"{acknowledged.Count} lines");
    }

    private async Task<List<string>> RunVictimAsync(int seed, int killAfter)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(CrashTests).Assembly.Location);
        }

        foreach (var argument in new[] { "victim", _fixture.Directory, $"{seed}" })
        {
            start.ArgumentList.Add(argument);
        }

        using var victim = Process.Start(start)!;
        try
        {
            var lines = new List<string>();
            Assert.Equal("ready", await victim.StandardOutput.ReadLineAsync());
            var refused = Assert.Throws<ComponentException>(() => _fixture.Store);
            Assert.Contains($"in use by process {victim.Id};", refused.Message, StringComparison.Ordinal);
            while (lines.Count < killAfter && await victim.StandardOutput.ReadLineAsync() is { } line)
            {
                lines.Add(line);
            }

            victim.Kill();
            while (await victim.StandardOutput.ReadLineAsync() is { } line)
            {
                lines.Add(line);
            }

            await victim.WaitForExitAsync();

            // The last line may have been cut by the kill.
            return [.. lines.Where(line => line.EndsWith('!')).Select(line => line[..^1])];
        }
        finally
        {
            if (!victim.HasExited)
            {
                victim.Kill();
            }
        }
    }
}
