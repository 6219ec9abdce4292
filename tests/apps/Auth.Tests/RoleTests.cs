using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Auth.Sessions;
using Auth.UserRoles;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;

namespace Auth.Tests;

/// <summary>Roles, and how nobody gets one that was not given.</summary>
public sealed class RoleTests : IAsyncLifetime
{
    private static readonly string Root = Guid.NewGuid().ToString();
    private static readonly string Ann = Guid.NewGuid().ToString();
    private static readonly string Ben = Guid.NewGuid().ToString();

    private AuthPlatform _platform = null!;

    public async ValueTask InitializeAsync() => _platform = await AuthPlatform.StartAsync(settings: [("Auth:Administrators:0", Root), ("Auth:Administrators:1", "google:g-1")]);

    public ValueTask DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task A_listed_person_is_administrator_and_gives_roles()
    {
        Assert.Equal(["user", "admin"], (await TokenOfAsync(Root)).Roles);

        var put = await PutAsync(Root, "user,admin", Ann, "hr", "sales");

        Assert.Equal((HttpStatusCode.OK, null), put);
        Assert.Equal(["user", "hr", "sales"], (await TokenOfAsync(Ann)).Roles);
    }

    [Fact]
    public async Task Who_signs_in_by_a_listed_identity_is_administrator()
    {
        var roles = _platform.App.Services.GetRequiredService<RoleStore>();

        await roles.SignedInAsync("google", "g-2", Ann, AuthPlatform.Cancel);
        await roles.SignedInAsync("google", "g-1", Ben, AuthPlatform.Cancel);

        Assert.Equal(["user"], (await TokenOfAsync(Ann)).Roles);
        Assert.Equal(["user", "admin"], (await TokenOfAsync(Ben)).Roles);
        Assert.Equal((HttpStatusCode.Conflict, "ADMINISTRATOR_BY_CONFIGURATION"), await PutAsync(Root, "admin", Ben, "user"));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("user,hr,sales,employee")]
    [InlineData("")]
    [InlineData("Admin")]
    [InlineData("administrator")]
    public async Task Others_neither_read_nor_give_roles(string roles)
    {
        using var client = _platform.Gateway(Ann, roles);

        using var get = await client.GetAsync($"/api/v1/auth/users/{Ann}/roles", AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, get.StatusCode);
        Assert.Equal((HttpStatusCode.Forbidden, "ROLE_REQUIRED"), await PutAsync(Ann, roles, Ann, "admin"));
        Assert.Equal(["user"], (await TokenOfAsync(Ann)).Roles);
    }

    [Fact]
    public async Task A_header_is_nobodys_word_but_the_gateways()
    {
        using var client = new HttpClient { BaseAddress = _platform.App.ClientOptions.BaseAddress };
        client.DefaultRequestHeaders.Add("X-User-ID", Root);
        client.DefaultRequestHeaders.Add("X-User-Roles", "admin");

        using var put = await client.PutAsJsonAsync($"/api/v1/auth/users/{Ann}/roles", new { roles = new[] { "admin" } }, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, put.StatusCode);
    }

    [Fact]
    public async Task A_token_that_is_older_than_the_loss_of_the_role_gives_nothing()
    {
        await PutAsync(Root, "admin", Ann, "admin");
        await PutAsync(Root, "admin", Ann, "user");

        // The gateway has not heard of it: the header still says admin.
        Assert.Equal((HttpStatusCode.Forbidden, "ROLE_REQUIRED"), await PutAsync(Ann, "user,admin", Ben, "admin"));
        Assert.Equal(["user"], (await TokenOfAsync(Ben)).Roles);
    }

    [Fact]
    public async Task New_roles_take_the_old_tokens_back_and_leave_the_sessions()
    {
        var services = _platform.App.Services;
        var before = await services.GetRequiredService<SessionService>().StartAsync(new SignIn(Ann, "guest", new Device(null, null, null)), AuthPlatform.Cancel);

        await PutAsync(Root, "admin", Ann, "employee");

        services.GetRequiredService<TokenVerifier>().VerifyAccess(before.AccessToken, out var old);
        Assert.True(services.GetRequiredService<RevokedTokens>().Contains(old!));
        using var client = _platform.Gateway();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/refresh");
        request.Headers.Add("X-Refresh-Token", $"Bearer {before.RefreshToken}");
        using var refreshed = await client.SendAsync(request, AuthPlatform.Cancel);
        Assert.True(refreshed.IsSuccessStatusCode, $"{refreshed.StatusCode}");
        var session = Assert.Single(await services.GetRequiredService<SessionService>().ListAsync(Ann, AuthPlatform.Cancel));
        Assert.Equal((before.SessionId, 2), (session.Id, session.Generation));
        var pair = await services.GetRequiredService<SessionTokens>().IssueAsync(session, AuthPlatform.Cancel);
        services.GetRequiredService<TokenVerifier>().VerifyAccess(pair.AccessToken, out var now);
        Assert.Equal(["user", "employee"], now!.Roles);
        Assert.False(services.GetRequiredService<RevokedTokens>().Contains(now));
    }

    [Fact]
    public async Task What_is_no_role_and_who_is_nobody_is_refused()
    {
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "UNKNOWN_ROLE"), await PutAsync(Root, "admin", Ann, "king"));
        Assert.Equal((HttpStatusCode.NotFound, "USER_NOT_FOUND"), await PutAsync(Root, "admin", "no-id", "hr"));
    }

    [Fact]
    public async Task The_last_administrator_stays()
    {
        await PutAsync(Root, "admin", Ann, "admin");
        await _platform.App.DisposeAsync();
        await _platform.StartAppAsync();

        Assert.Equal((HttpStatusCode.Conflict, "LAST_ADMINISTRATOR"), await PutAsync(Ann, "admin", Ann, "user"));
        Assert.Equal((HttpStatusCode.OK, null), await PutAsync(Ann, "admin", Ben, "admin"));
        var answers = await Task.WhenAll(PutAsync(Ann, "admin", Ben, "user"), PutAsync(Ben, "admin", Ann, "user"));

        Assert.Contains((HttpStatusCode.OK, null), answers);
        var admins = new[] { await TokenOfAsync(Ann), await TokenOfAsync(Ben) }.Count(identity => identity.Roles.Contains("admin"));
        Assert.Equal(1, admins);
    }

    [Fact]
    public async Task Killed_in_between_a_change_is_completed_by_repeating_it()
    {
        for (var writes = 0; writes < 3; writes++)
        {
            _platform.Dapr.Faults.StateWrites(app: Apps.Auth).After(writes).Times(20).Fail();
            await PutAsync(Root, "admin", Ann, "admin");
            _platform.Dapr.Faults.Clear();
            Assert.Equal((HttpStatusCode.OK, null), await PutAsync(Root, "admin", Ann, "admin"));
            Assert.Contains("admin", (await TokenOfAsync(Ann)).Roles);
            Assert.Equal((HttpStatusCode.OK, null), await PutAsync(Root, "admin", Ann));
            Assert.Equal(["user"], (await TokenOfAsync(Ann)).Roles);
        }
    }

    [Fact]
    public async Task Erased_roles_are_gone()
    {
        await PutAsync(Root, "admin", Ann, "admin");
        var data = _platform.App.Services.GetServices<IUserData>().OfType<RoleData>().Single();

        await data.EraseAsync(Ann, AuthPlatform.Cancel);
        await data.EraseAsync(Ann, AuthPlatform.Cancel);

        Assert.Equal(["user"], (await TokenOfAsync(Ann)).Roles);
    }

    private async Task<Identity> TokenOfAsync(string user)
    {
        var services = _platform.App.Services;
        var pair = await services.GetRequiredService<SessionService>().StartAsync(new SignIn(user, "guest", new Device(null, null, null)), AuthPlatform.Cancel);
        Assert.Equal(TokenFailure.None, services.GetRequiredService<TokenVerifier>().VerifyAccess(pair.AccessToken, out var identity));
        return identity!;
    }

    private async Task<(HttpStatusCode, string?)> PutAsync(string caller, string callerRoles, string user, params string[] roles)
    {
        using var client = _platform.Gateway(caller, callerRoles);
        using var response = await client.PutAsJsonAsync($"/api/v1/auth/users/{user}/roles", new { roles }, AuthPlatform.Cancel);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        return (response.StatusCode, body.TryGetProperty("code", out var code) ? code.GetString() : null);
    }
}
