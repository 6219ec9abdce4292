using Auth.Revocations;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using Sidecar.Testing;

namespace Auth.Tests.Revocations;

/// <summary>Steps of the tests about revocations.</summary>
internal static class RevocationSteps
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    public static RevocationStore Store(this AuthPlatform platform) => platform.App.Services.GetRequiredService<RevocationStore>();

    /// <summary>Revokes a session whose tokens last three hours more.</summary>
    public static Task RevokeAsync(this AuthPlatform platform, string session) =>
        platform.Store().RevokeAsync(session, platform.Clock.GetUtcNow().AddHours(3), "logout", AuthPlatform.Cancel);

    /// <summary>Lets a second pass once the announcer has paused as often.</summary>
    public static async Task BeatAsync(this AuthPlatform platform, int pauses)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(AuthPlatform.Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        while (platform.Time.Started(Second) < pauses)
        {
            await Task.Delay(5, patience.Token);
        }

        platform.Time.Advance(Second);
    }

    /// <summary>The first message that tells of a revocation.</summary>
    public static Task<TokenRevoked> AnnouncedAsync(this AuthPlatform platform, string id) =>
        platform.HeardAsync(message => message.Revocations.Any(revocation => revocation.Id == id));

    /// <summary>The first message that is so.</summary>
    public static async Task<TokenRevoked> HeardAsync(this AuthPlatform platform, Func<TokenRevoked, bool> isIt) => Read(
        await platform.Dapr.WaitForPublishedAsync(IdentityTopics.TokenRevoked, message => isIt(Read(message)), cancellationToken: AuthPlatform.Cancel));

    public static TokenRevoked Read(PublishedMessage message) => message.Payload<TokenRevoked>(TandemJson.Options)!;
}
