using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Auth.Passwords;
using Auth.Sessions;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Tests;

/// <summary>Accounts with a password, on a whole sidecar.</summary>
public sealed class PasswordTests : IAsyncLifetime
{
    private const string Email = "mina@example.org";
    private const string Password = "korrekt pferd 3 batterie";

    private AuthPlatform _platform = null!;
    private FakeUsers _users = null!;
    private HttpClient _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _platform = await StartAsync();
        _users = await FakeUsers.StartAsync(_platform.Dapr);
        _gateway = _platform.Gateway();
    }

    public async ValueTask DisposeAsync()
    {
        _gateway.Dispose();
        await _platform.DisposeAsync();
    }

    [Fact]
    public async Task Who_registers_is_signed_in_and_signs_in_again()
    {
        var registered = await PostAsync("register", Email, Password);
        var again = await PostAsync("register", " MINA@example.org ", Password);
        var login = await PostAsync("login", "Mina@Example.org", Password);

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (registered.Status, again.Status, login.Status));
        Assert.Equal(registered.UserId, again.UserId);
        Assert.Equal(registered.UserId, login.UserId);
        Assert.Single(_users.Accounts);
        var verifier = _platform.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(login.Token!, out var identity));
        Assert.Equal((login.UserId, "password"), (identity!.UserId, identity.Provider));
    }

    [Fact]
    public async Task A_password_may_be_typed_on_any_keyboard()
    {
        // Full-width and plain digits; whole syllables and their letters.
        await PostAsync("register", Email, "비밀번호는１２３한글");

        var login = await PostAsync("login", Email, "비밀번호는123\u1112\u1161\u11AB\u1100\u1173\u11AF");

        Assert.Equal(HttpStatusCode.OK, login.Status);
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_address_look_the_same()
    {
        await PostAsync("register", Email, Password);
        var limiter = _platform.App.Services.GetRequiredService<HashingLimiter>();

        var before = limiter.Hashed;
        var wrong = await PostAsync("login", Email, "not the password");
        var between = limiter.Hashed;
        var unknown = await PostAsync("login", "nobody@example.org", "not the password");

        Assert.Equal((HttpStatusCode.Unauthorized, "WRONG_CREDENTIALS"), (wrong.Status, wrong.Code));
        Assert.Equal((wrong.Status, wrong.Code, wrong.Detail), (unknown.Status, unknown.Code, unknown.Detail));
        Assert.Equal((1, 1), (between - before, limiter.Hashed - between));
    }

    [Fact]
    public async Task Registering_an_address_again_with_another_password_is_a_wrong_password()
    {
        await PostAsync("register", Email, Password);

        for (var i = 0; i < 10; i++)
        {
            var taken = await PostAsync("register", Email, $"another password {i}");
            Assert.Equal((HttpStatusCode.Conflict, "EMAIL_TAKEN"), (taken.Status, taken.Code));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await PostAsync("login", Email, Password)).Status);
    }

    [Theory]
    [InlineData("short 7")]
    [InlineData("password123")]
    [InlineData("PassWord123")]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("mina@example.org")]
    [InlineData("mina1234")]
    public async Task A_weak_password_is_refused(string password)
    {
        var refused = await PostAsync("register", Email, password);

        Assert.Equal((HttpStatusCode.UnprocessableEntity, "PASSWORD_REFUSED"), (refused.Status, refused.Code));
        Assert.DoesNotContain(password, refused.Detail, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task The_limits_of_length_are_in_code_points()
    {
        var rules = _platform.App.Services.GetRequiredService<PasswordRules>();

        Assert.Null(rules.Refuse(PasswordRules.Normalise(string.Concat(Enumerable.Repeat("🙂a", 64))), Email, null));
        Assert.Null(PasswordRules.Normalise(new string('x', 129)));
        Assert.Equal("PASSWORD_REFUSED", (await PostAsync("register", Email, new string('x', 300))).Code);
    }

    [Fact]
    public async Task After_ten_wrong_passwords_nothing_is_hashed_and_restarts_do_not_help()
    {
        await PostAsync("register", Email, Password);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", Email, $"wrong password {i}", address: $"10.0.0.{i}")).Status);
        }

        var limiter = _platform.App.Services.GetRequiredService<HashingLimiter>();
        var hashed = limiter.Hashed;
        var refused = await PostAsync("login", Email, Password, address: "10.0.1.1");
        Assert.Equal((HttpStatusCode.TooManyRequests, "TOO_MANY_LOGIN_TRIES", hashed), (refused.Status, refused.Code, limiter.Hashed));
        Assert.Equal(TimeSpan.FromMinutes(15), refused.RetryAfter);

        await _platform.App.DisposeAsync();
        await _platform.StartAppAsync(Settings);
        using var restarted = _platform.Gateway();
        Assert.Equal(HttpStatusCode.TooManyRequests, (await PostAsync("login", Email, Password, client: restarted)).Status);

        _platform.Time.Advance(TimeSpan.FromMinutes(15));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, Password, client: restarted)).Status);
    }

    [Fact]
    public async Task A_right_password_ends_the_count_of_its_account_and_takes_back_its_own_try_of_the_address()
    {
        await PostAsync("register", Email, Password);
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 9; i++)
            {
                Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", Email, $"wrong password {i}")).Status);
            }

            Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, Password)).Status);
        }

        // 45 wrong ones by this address; five more, then no account can be tried from here, but the same one from elsewhere.
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", $"other{i}@example.org", "wrong password")).Status);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await PostAsync("login", Email, Password)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, Password, address: "10.9.9.9")).Status);
    }

    [Fact]
    public async Task One_network_of_ipv6_is_one_address()
    {
        for (var i = 0; i < 50; i++)
        {
            await PostAsync("login", $"other{i}@example.org", "wrong password", address: $"2001:db8:1:1::{i:x}");
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, (await PostAsync("login", "new@example.org", "wrong password", address: "2001:db8:1:1:ffff::1")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", "new@example.org", "wrong password", address: "2001:db8:1:2::1")).Status);
    }

    [Fact]
    public async Task Two_hundred_wrong_logins_at_once_hash_one_at_a_time()
    {
        var logins = Enumerable.Range(0, 200)
            .Select(i => PostAsync("login", $"user{i}@example.org", "wrong password", address: $"10.0.{i}.1")).ToArray();
        var keys = Enumerable.Range(0, 50).Select(_ => _gateway.GetAsync("/api/v1/auth/.well-known/jwks.json", AuthPlatform.Cancel)).ToArray();

        Assert.All(await Task.WhenAll(keys), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        var answers = await Task.WhenAll(logins);

        var limiter = _platform.App.Services.GetRequiredService<HashingLimiter>();
        Assert.All(answers, answer => Assert.True(
            (answer.Status, answer.Code) is (HttpStatusCode.Unauthorized, "WRONG_CREDENTIALS") or (HttpStatusCode.ServiceUnavailable, "LOGIN_BUSY")));
        Assert.All(answers.Where(answer => answer.Status == HttpStatusCode.ServiceUnavailable), answer => Assert.NotNull(answer.RetryAfter));
        Assert.Equal(1, limiter.MostRunning);
        Assert.Equal(answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized), limiter.Hashed);
        Assert.Equal(200, limiter.Hashed + limiter.Refused);
    }

    [Fact]
    public async Task Two_hundred_wrong_passwords_for_one_account_at_once_are_hashed_ten_times()
    {
        await PostAsync("register", Email, Password);
        var limiter = _platform.App.Services.GetRequiredService<HashingLimiter>();
        var hashed = limiter.Hashed;

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => PostAsync("login", Email, $"wrong password {i}", address: $"10.0.{i}.1")));

        Assert.Equal(10, limiter.Hashed - hashed);
    }

    [Fact]
    public async Task A_stored_hash_follows_the_option()
    {
        await PostAsync("register", Email, Password);
        Assert.Equal(1000, (await CredentialAsync())!.Password.Iterations);
        await _platform.App.DisposeAsync();
        await _platform.StartAppAsync([.. Settings, ("Auth:Passwords:Iterations", "2000")]);
        using var restarted = _platform.Gateway();

        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, Password, client: restarted)).Status);

        Assert.Equal(2000, (await CredentialAsync())!.Password.Iterations);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, Password, client: restarted)).Status);
    }

    [Fact]
    public async Task Registered_many_times_at_once_there_is_one_account()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync("register", Email, Password)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Single(answers.Select(answer => answer.UserId).Distinct());
        Assert.Single(_users.Accounts);
    }

    [Fact]
    public async Task Killed_between_its_writes_a_registration_is_completed_by_the_next_try()
    {
        for (var writes = 0; writes < 8; writes++)
        {
            var email = $"kill{writes}@example.org";
            _platform.Dapr.Faults.StateWrites(Components.StateStore, app: Apps.Auth).After(writes).Times(20).Fail();
            await PostAsync("register", email, Password);
            _platform.Dapr.Faults.Clear();

            var completed = await PostAsync("register", email, Password);
            var login = await PostAsync("login", email, Password);

            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (completed.Status, login.Status));
            Assert.Equal(completed.UserId, login.UserId);
            Assert.Equal(writes + 1, _users.Accounts.Count);
        }
    }

    [Fact]
    public async Task Without_users_nobody_gets_a_session_and_the_next_try_gets_it()
    {
        _users.IsAway = true;
        var away = await PostAsync("register", Email, Password);
        _users.IsAway = false;
        var back = await PostAsync("register", Email, Password);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "USERS_UNAVAILABLE"), (away.Status, away.Code));
        Assert.Equal(HttpStatusCode.OK, back.Status);
        Assert.Single(_users.Accounts);
    }

    [Fact]
    public async Task Erased_credentials_are_gone_and_the_address_is_free()
    {
        var registered = await PostAsync("register", Email, Password);
        var store = _platform.App.Services.GetRequiredService<CredentialStore>();

        await store.EraseAsync(registered.UserId!, AuthPlatform.Cancel);
        await store.EraseAsync(registered.UserId!, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", Email, Password)).Status);
        var anew = await PostAsync("register", Email, "another password");
        Assert.Equal(HttpStatusCode.OK, anew.Status);
        Assert.NotEqual(registered.UserId, anew.UserId);
        await store.EraseAsync(registered.UserId!, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, "another password")).Status);
    }

    [Fact]
    public async Task Another_password_ends_all_other_sessions()
    {
        var first = await PostAsync("register", Email, Password);
        await PostAsync("login", Email, Password);
        var sessions = _platform.App.Services.GetRequiredService<SessionService>();
        var mine = (await sessions.ListAsync(first.UserId!, AuthPlatform.Cancel))[0];

        Assert.Equal((HttpStatusCode.Unauthorized, "WRONG_CREDENTIALS"), await ChangeAsync(mine, "wrong password", "a quite new password"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "PASSWORD_REFUSED"), await ChangeAsync(mine, Password, "password123"));
        Assert.Equal(2, (await sessions.ListAsync(first.UserId!, AuthPlatform.Cancel)).Count);
        Assert.Equal((HttpStatusCode.NoContent, null), await ChangeAsync(mine, Password, "a quite new password"));

        Assert.Equal(mine.Id, Assert.Single(await sessions.ListAsync(first.UserId!, AuthPlatform.Cancel)).Id);
        Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync("login", Email, Password)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("login", Email, "a quite new password")).Status);
    }

    [Fact]
    public async Task Killed_before_the_sessions_end_a_change_is_completed_by_repeating_it()
    {
        var first = await PostAsync("register", Email, Password);
        await PostAsync("login", Email, Password);
        var sessions = _platform.App.Services.GetRequiredService<SessionService>();
        var all = await sessions.ListAsync(first.UserId!, AuthPlatform.Cancel);
        _platform.Dapr.Faults.StateWrites(Components.StateStore, key: $"session:{all[1].Id}", app: Apps.Auth).Times(20).Fail();
        Assert.NotEqual(HttpStatusCode.NoContent, (await ChangeAsync(all[0], Password, "a quite new password")).Item1);
        _platform.Dapr.Faults.Clear();

        Assert.Equal((HttpStatusCode.NoContent, null), await ChangeAsync(all[0], Password, "a quite new password"));

        Assert.Equal(all[0].Id, Assert.Single(await sessions.ListAsync(first.UserId!, AuthPlatform.Cancel)).Id);
    }

    [Fact]
    public async Task A_body_gives_no_role()
    {
        using var response = await _gateway.PostAsJsonAsync(
            "/api/v1/auth/register", new { email = Email, password = Password, roles = new[] { "admin" }, role = "admin", user_id = "root" }, AuthPlatform.Cancel);

        var body = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        _platform.App.Services.GetRequiredService<TokenVerifier>().VerifyAccess(body.GetProperty("access_token").GetString()!, out var identity);
        Assert.Equal(["user"], identity!.Roles);
        Assert.NotEqual("root", identity.UserId);
    }

    [Fact]
    public async Task It_is_offered_where_it_is_on()
    {
        Assert.Contains("\"password\"", await _gateway.GetStringAsync("/api/v1/auth/methods", AuthPlatform.Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_of_it_is_logged()
    {
        await PostAsync("register", Email, Password);
        await PostAsync("login", Email, "wrong password");

        Assert.DoesNotContain(_platform.Dapr.Logs.Entries, line =>
            line.Message.Contains("mina@", StringComparison.OrdinalIgnoreCase) || line.Message.Contains("pferd", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Off_it_does_not_exist()
    {
        await _platform.App.DisposeAsync();
        await _platform.StartAppAsync(("Auth:Passwords:Enabled", "false"));
        using var off = _platform.Gateway();

        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("register", Email, Password, client: off)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("login", Email, Password, client: off)).Status);
    }

    private static (string Name, string Value)[] Settings { get; } = [("Auth:Passwords:Iterations", "1000"), ("Auth:UsersRetries", "0")];

    private static Task<AuthPlatform> StartAsync() => AuthPlatform.StartAsync(settings: Settings);

    private async Task<Answer> PostAsync(string path, string email, string password, string address = "192.0.2.1", HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/v1/auth/{path}") { Content = JsonContent.Create(new { email, password }) };
        request.Headers.Add(UserIdentity.AddressHeader, address);
        using var response = await (client ?? _gateway).SendAsync(request, AuthPlatform.Cancel);
        var body = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        string? Text(string name) => body.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new Answer(response.StatusCode, Text("code"), Text("detail"), Text("user_id"), Text("access_token"), response.Headers.RetryAfter?.Delta);
    }

    private async Task<(HttpStatusCode, string?)> ChangeAsync(Session session, string current, string wanted)
    {
        using var client = _platform.Gateway(session.UserId);
        client.DefaultRequestHeaders.Add("X-User-Session", session.Id);
        using var response = await client.PostAsJsonAsync("/api/v1/auth/password", new { current, @new = wanted }, AuthPlatform.Cancel);
        return (response.StatusCode, response.Content.Headers.ContentType?.MediaType == "application/problem+json"
            ? (await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel)).GetProperty("code").GetString()
            : null);
    }

    private Task<Credential?> CredentialAsync() => _platform.Sidecar.GetStateAsync<Credential>(
        Components.StateStore, $"credential:{EmailAddress.Hash(Email)}", TandemJson.Options, AuthPlatform.Cancel);

    private sealed record Answer(HttpStatusCode Status, string? Code, string? Detail, string? UserId, string? Token, TimeSpan? RetryAfter);
}
