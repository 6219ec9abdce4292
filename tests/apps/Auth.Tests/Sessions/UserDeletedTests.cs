using Contracts;
using Contracts.Users;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using ServiceDefaults;

namespace Auth.Tests.Sessions;

public sealed class UserDeletedTests
{
    [Fact]
    public async Task Ends_all_sessions_and_reports_even_when_a_report_is_lost()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var reports = 0;
        await platform.Dapr.StartAppAsync(Apps.Users, app => app.MapPost(
            "/internal/users/erasures/{user}", (string user) => ++reports == 1 ? Results.StatusCode(500) : user == "user-1" ? Results.NoContent() : Results.NotFound()));
        var tokens = await platform.SignInAsync();

        await platform.Dapr.Self.PublishAsync(
            Components.PubSub, UserTopics.UserDeleted, new UserDeleted(Guid.NewGuid(), platform.Time.GetUtcNow(), "user-1"), TandemJson.Options, AuthPlatform.Cancel);
        await platform.Dapr.AdvanceUntilIdleAsync();

        Assert.True(reports >= 2);
        Assert.Equal("user_deleted", (await platform.RevocationAsync(platform.Read(tokens.RefreshToken).Sid))?.Reason);
        await platform.RefusedAsync(tokens.RefreshToken);
    }
}
