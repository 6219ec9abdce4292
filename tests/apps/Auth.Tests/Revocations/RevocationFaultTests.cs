using System.Net;
using Auth.Revocations;
using Contracts;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using Sidecar.Testing;
using TestKit;

namespace Auth.Tests.Revocations;

/// <summary>
/// The real auth and apps at the edge on one sidecar, with what goes wrong between them. The edge has the limits of <see cref="EdgeApp"/> and,
/// by its slow reading, would learn of nothing for ten minutes.
/// </summary>
public sealed class RevocationFaultTests
{
    [Fact]
    public async Task Every_replica_refuses_a_revoked_session_and_nobody_elses()
    {
        await using var platform = await StartAsync();
        using var first = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        using var second = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        var (token, session) = Token("u1");
        var (other, _) = Token("u1");
        await first.UntilAsync(token, HttpStatusCode.OK);
        await second.UntilAsync(token, HttpStatusCode.OK);

        await RevokeAsync(platform, session);

        await first.UntilAsync(token, HttpStatusCode.Unauthorized);
        await second.UntilAsync(token, HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await first.AskAsync(other));
    }

    [Fact]
    public async Task A_replica_that_starts_later_is_ready_when_it_knows()
    {
        await using var platform = await StartAsync();
        var (token, session) = Token("u1");
        await RevokeAsync(platform, session);
        using var edge = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);

        while (await edge.ReadyAsync() != HttpStatusCode.OK)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await edge.ReadyAsync());
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await edge.AskAsync(token));
    }

    [Fact]
    public async Task A_lost_message_costs_time_and_no_revocation()
    {
        await using var platform = await StartAsync();
        using var edge = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        var (token, session) = Token("u1");
        await edge.UntilAsync(token, HttpStatusCode.OK);
        platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway)
            .When(attempt => attempt.Delivery.Payload<TokenRevoked>(TandemJson.Options)!.Revocations.Count > 0).Always().Drop();

        await RevokeAsync(platform, session);

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Doubled_and_reordered_messages_change_nothing()
    {
        await using var platform = await StartAsync();
        using var edge = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway).When(attempt => attempt.Delivery.Attempt == 1)
            .WithProbability(0.5).Always().Duplicate();
        platform.Dapr.Faults.Deliveries(IdentityTopics.TokenRevoked, app: Apps.Gateway).Always().Reorder(window: 3);
        var tokens = Enumerable.Range(0, 20).Select(i => Token($"u{i}")).ToArray();

        foreach (var (_, session) in tokens)
        {
            await RevokeAsync(platform, session);
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
        await using var platform = await StartAsync();
        using var edge = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        var (token, session) = Token("u1");
        await edge.UntilAsync(token, HttpStatusCode.OK);
        using var away = platform.Dapr.Faults.Publishes(IdentityTopics.TokenRevoked).Always().Fail();

        await RevokeAsync(platform, session);

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Auth_that_dies_after_the_write_has_still_revoked()
    {
        await using var platform = await StartAsync();
        using var edge = await EdgeApp.StartAsync(platform.Dapr, TimeProvider.System);
        var (token, session) = Token("u1");
        await edge.UntilAsync(token, HttpStatusCode.OK);
        // Stored, and never told.
        using var away = platform.Dapr.Faults.Publishes(IdentityTopics.TokenRevoked).Always().Fail();
        await RevokeAsync(platform, session);
        await platform.App.DisposeAsync();
        away.Dispose();

        await platform.StartAppAsync(("Auth:Heartbeat", "00:00:00.1"));

        await edge.UntilAsync(token, HttpStatusCode.Unauthorized);
    }

    private static Task<AuthPlatform> StartAsync() => AuthPlatform.StartOnAsync(TimeProvider.System, settings: ("Auth:Heartbeat", "00:00:00.1"));

    private static (string Token, string Session) Token(string user)
    {
        var session = Guid.NewGuid().ToString("N");
        return (TestTokens.Of(user, change: claims => claims with { Sid = session }), session);
    }

    private static Task RevokeAsync(AuthPlatform platform, string session) => platform.App.Services.GetRequiredService<RevocationStore>()
        .RevokeAsync(session, TimeProvider.System.GetUtcNow().AddHours(1), "logout", AuthPlatform.Cancel);
}
