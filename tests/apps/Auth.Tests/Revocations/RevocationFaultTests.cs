using System.Net;
using Contracts;
using Contracts.Identity;
using ServiceDefaults;
using Sidecar.Testing;
using TestKit;

namespace Auth.Tests.Revocations;

/// <summary>
/// The real auth and apps at the edge on one sidecar, with what goes wrong between them. The edge has the limits of <see cref="EdgeApp"/> and,
/// by its slow reading, would learn of nothing for ten minutes.
/// </summary>
public sealed class RevocationFaultTests : IAsyncLifetime
{
    private static readonly (string Name, string Value) Heartbeat = ("Auth:Heartbeat", "00:00:00.1");

    private AuthPlatform _platform = null!;

    public async ValueTask InitializeAsync() => _platform = await AuthPlatform.StartOnAsync(TimeProvider.System, settings: Heartbeat);

    public ValueTask DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task Every_replica_refuses_a_revoked_session_and_nobody_elses()
    {
        using var first = await StartEdgeAsync();
        using var second = await StartEdgeAsync();
        var (token, session) = await SignInAsync(first, second);
        var (other, _) = Token("u1");

        await _platform.RevokeAsync(session);

        await first.UntilAsync(token, HttpStatusCode.Unauthorized);
        await second.UntilAsync(token, HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await first.AskAsync(other));
    }

    [Fact]
    public async Task A_replica_that_starts_later_is_ready_when_it_knows()
    {
        var (token, session) = Token("u1");
        await _platform.RevokeAsync(session);
        using var edge = await StartEdgeAsync();

        HttpStatusCode ready;
        while ((ready = await edge.ReadyAsync()) != HttpStatusCode.OK)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await edge.AskAsync(token));
    }

    [Fact]
    public async Task A_lost_message_costs_time_and_no_revocation()
    {
        using var edge = await StartEdgeAsync();
        var (token, session) = await SignInAsync(edge);
        _platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway)
            .When(attempt => attempt.Delivery.Payload<TokenRevoked>(TandemJson.Options)!.Revocations.Count > 0).Always().Drop();

        await _platform.RevokeAsync(session);

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Doubled_and_reordered_messages_change_nothing()
    {
        using var edge = await StartEdgeAsync();
        _platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway).When(attempt => attempt.Delivery.Attempt == 1)
            .WithProbability(0.5).Always().Duplicate();
        _platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway).Always().Reorder(window: 3);
        var tokens = Enumerable.Range(0, 20).Select(i => Token($"u{i}")).ToArray();

        foreach (var (_, session) in tokens)
        {
            await _platform.RevokeAsync(session);
        }

        foreach (var (token, _) in tokens)
        {
            await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
        }

        foreach (var (token, _) in tokens)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await edge.AskAsync(token));
        }
    }

    [Fact]
    public async Task Without_a_broker_revocations_are_read_from_the_documents()
    {
        using var edge = await StartEdgeAsync();
        var (token, session) = await SignInAsync(edge);
        using var away = _platform.Dapr.Faults.Publishes(IdentityTopics.TokenRevoked).Always().Fail();

        await _platform.RevokeAsync(session);

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Auth_that_dies_after_the_write_has_still_revoked()
    {
        using var edge = await StartEdgeAsync();
        var (token, session) = await SignInAsync(edge);
        // Stored, and never told.
        using var away = _platform.Dapr.Faults.Publishes(IdentityTopics.TokenRevoked).Always().Fail();
        await _platform.RevokeAsync(session);
        await _platform.App.DisposeAsync();
        away.Dispose();

        await _platform.StartAppAsync(Heartbeat);

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    private static (string Token, string Session) Token(string user)
    {
        var session = Guid.NewGuid().ToString("N");
        return (TestTokens.Of(user, change: claims => claims with { Sid = session }), session);
    }

    private Task<EdgeApp> StartEdgeAsync() => EdgeApp.StartAsync(_platform.Dapr, TimeProvider.System);

    /// <summary>A session whose token all of them accept.</summary>
    private static async Task<(string Token, string Session)> SignInAsync(params EdgeApp[] edges)
    {
        var signedIn = Token("u1");
        foreach (var edge in edges)
        {
            await edge.UntilAsync(signedIn.Token, HttpStatusCode.OK);
        }

        return signedIn;
    }
}
