using System.Text;
using System.Text.Json;
using Sidecar.Actors.Hosting;

namespace Sidecar.Actors.Tests;

/// <summary>What apps answer to <c>GET /dapr/config</c> (protocol: HTTP §6.1, SDK §6.1).</summary>
public sealed class SettingsTests
{
    [Fact]
    public void Reads_what_the_official_dotnet_sdk_sends()
    {
        var types = Read("""
            {"entities":["CounterActor","Named"],"actorIdleTimeout":"1h0m0s0ms","actorScanInterval":"0h0m30s0ms",
             "drainOngoingCallTimeout":"0h0m1s500ms","drainRebalancedActors":true,"remindersStoragePartitions":7,
             "reentrancy":{"enabled":true,"maxStackDepth":8},
             "entitiesConfig":[{"entities":["Named"],"actorIdleTimeout":"0h5m0s0ms","reentrancy":{"enabled":false}}]}
            """);

        Assert.Equal(["CounterActor", "Named"], types.Keys);
        Assert.Equal(
            new ActorTypeSettings { IdleTimeout = TimeSpan.FromHours(1), DrainTimeout = TimeSpan.FromSeconds(1.5), IsReentrant = true, MaxStackDepth = 8 },
            types["CounterActor"]);
        Assert.Equal((TimeSpan.FromMinutes(5), false), (types["Named"].IdleTimeout, types["Named"].IsReentrant));
    }

    [Fact]
    public void What_is_not_said_has_the_defaults_of_the_protocol() =>
        Assert.Equal(
            (TimeSpan.FromMinutes(60), TimeSpan.FromSeconds(2), true, false, 32),
            Read("""{"entities":["T"],"reentrancy":{}}""")["T"] is var t ? (t.IdleTimeout, t.DrainTimeout, t.DrainsCalls, t.IsReentrant, t.MaxStackDepth) : default);

    [Fact]
    public void A_drain_ends_before_the_next_one_may_begin_and_reserved_types_are_not_hosted()
    {
        var types = Read("""{"entities":["T","dapr.internal.x","T",""],"drainOngoingCallTimeout":"5m"}""");

        Assert.Equal(["T"], types.Keys);
        Assert.Equal(TimeSpan.FromSeconds(24), types["T"].DrainTimeout);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("nothing")]
    [InlineData("""{"entities":["T"],"actorIdleTimeout":"long"}""")]
    public void What_cannot_be_read_says_so(string answer) => Assert.True(Record.Exception(() => Read(answer)) is FormatException or JsonException);

    private static IReadOnlyDictionary<string, ActorTypeSettings> Read(string answer) => ActorTypeSettings.Read(Encoding.UTF8.GetBytes(answer));
}
