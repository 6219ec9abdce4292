using System.Net;
using Auth.Sessions;
using Contracts;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Testing;

namespace Auth.Tests.Sessions;

/// <summary>
/// What is left when auth dies in the middle: from one write on, before or after it took effect, nothing more is written; then another process takes
/// over and the client tries again.
/// </summary>
public sealed class SessionFaultTests(SessionFaultTests.Shared shared) : IClassFixture<SessionFaultTests.Shared>
{
    private const int MostWrites = 6;

    private readonly string _user = $"user-{Guid.NewGuid()}";

    /// <summary>Every write at which to die; true when that write still took effect.</summary>
    public static TheoryData<int, bool> Deaths
    {
        get
        {
            var deaths = new TheoryData<int, bool>();
            for (var write = 1; write <= MostWrites; write++)
            {
                deaths.Add(write, false);
                deaths.Add(write, true);
            }

            return deaths;
        }
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task Refreshing_is_never_punished_for_a_death(int write, bool took)
    {
        var platform = await shared.TakeAsync();
        var first = await platform.SignInAsync(_user);

        await DieAsync(platform, write, took, () => platform.RefreshAsync(first.RefreshToken));

        var second = await platform.RefreshedAsync(first.RefreshToken);
        Assert.Equal(second, await platform.RefreshedAsync(first.RefreshToken));
        var session = Assert.Single(await platform.SessionsAsync(_user));
        Assert.Equal((2, null), (session.Generation, session.End));
        await platform.RefreshedAsync(second.RefreshToken);
        shared.GiveBack(platform);
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_logout_that_is_tried_again_revokes_and_one_that_was_answered_has(int write, bool took)
    {
        var platform = await shared.TakeAsync();
        var tokens = await platform.SignInAsync(_user);
        var session = platform.Read(tokens.RefreshToken).Sid;

        var answered = await DieAsync(platform, write, took, () => LogoutAsync(platform, tokens));
        if (!answered)
        {
            using var again = await LogoutAsync(platform, tokens);
            Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        }

        Assert.Equal("logout", (await platform.RevocationAsync(session))?.Reason);
        await platform.RefusedAsync(tokens.RefreshToken);
        Assert.Empty(await platform.SessionsAsync(_user));
        shared.GiveBack(platform);
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_marked_session_is_revoked_by_the_next_who_meets_it(int write, bool took)
    {
        var platform = await shared.TakeAsync();
        var tokens = await platform.SignInAsync(_user);
        var session = platform.Read(tokens.RefreshToken).Sid;

        await DieAsync(platform, write, took, () => LogoutAsync(platform, tokens));

        // Nobody tries to log out again; the person only looks at the list.
        var listed = await platform.SessionsAsync(_user);
        if (listed.Count == 0)
        {
            Assert.NotNull(await platform.RevocationAsync(session));
            await platform.RefusedAsync(tokens.RefreshToken);
        }
        else
        {
            // The end had not begun: the session is whole.
            Assert.Null(await platform.RevocationAsync(session));
            await platform.RefreshedAsync(tokens.RefreshToken);
        }

        shared.GiveBack(platform);
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_replay_ends_the_session_whenever_auth_dies(int write, bool took)
    {
        var platform = await shared.TakeAsync();
        var stolen = await platform.SignInAsync(_user);
        var second = await platform.RefreshedAsync(stolen.RefreshToken);
        platform.Time.Advance(TimeSpan.FromMinutes(1));

        await DieAsync(platform, write, took, () => platform.RefreshAsync(stolen.RefreshToken));

        await platform.RefusedAsync(stolen.RefreshToken);
        await platform.RefusedAsync(second.RefreshToken);
        Assert.Equal("refresh_reused", (await platform.RevocationAsync(platform.Read(stolen.RefreshToken).Sid))?.Reason);
        shared.GiveBack(platform);
    }

    [Theory]
    [MemberData(nameof(Deaths))]
    public async Task A_sign_in_that_is_tried_again_is_whole(int write, bool took)
    {
        var limit = ("Auth:MaxSessionsPerUser", "1");
        await using var platform = await AuthPlatform.StartAsync(settings: limit);
        var before = await platform.SignInAsync();

        await DieAsync(platform, write, took, async () =>
        {
            await platform.SignInAsync();
            return new HttpResponseMessage();
        }, limit);
        var tokens = await platform.SignInAsync();

        var session = Assert.Single(await platform.SessionsAsync());
        Assert.Equal(platform.Read(tokens.RefreshToken).Sid, session.Id);
        await platform.RefusedAsync(before.RefreshToken);
        Assert.NotNull(await platform.RevocationAsync(platform.Read(before.RefreshToken).Sid));
        await platform.RefreshedAsync(tokens.RefreshToken);
    }

    [Fact]
    public async Task A_faster_writer_changes_nothing()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        // Fewer than an update has tries.
        platform.Dapr.Faults.StateWrites(Components.StateStore).WithProbability(0.4).Times(9).Conflict();

        for (var n = 0; n < 5; n++)
        {
            tokens = await platform.RefreshedAsync(tokens.RefreshToken);
        }

        using var response = await LogoutAsync(platform, tokens);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await platform.RefusedAsync(tokens.RefreshToken);
        Assert.NotNull(await platform.RevocationAsync(platform.Read(tokens.RefreshToken).Sid));
    }

    [Fact]
    public async Task A_session_that_ends_while_it_is_refreshed_stays_ended()
    {
        await using var platform = await AuthPlatform.StartAsync();
        var tokens = await platform.SignInAsync();
        var session = platform.Read(tokens.RefreshToken).Sid;
        var sessions = platform.App.Services.GetRequiredService<SessionService>();
        platform.Time.Advance(TimeSpan.FromHours(1));
        // The logout overtakes the refresh between its reading and its writing.
        platform.Dapr.Faults.StateWrites(Components.StateStore, "sessions:user-1").Do(async (_, proceed, cancellationToken) =>
        {
            await sessions.EndAsync(session, EndReasons.Logout, "user-1", cancellationToken);
            await proceed();
        });

        await platform.RefusedAsync(tokens.RefreshToken);

        Assert.NotNull(await platform.RevocationAsync(session));
        Assert.Empty(await platform.SessionsAsync());
    }

    private static async Task<HttpResponseMessage> LogoutAsync(AuthPlatform platform, Tokens tokens)
    {
        using var client = platform.Gateway();
        client.DefaultRequestHeaders.Add("Authorization", $"Bearer {tokens.AccessToken}");
        client.DefaultRequestHeaders.Add("X-Refresh-Token", $"Bearer {tokens.RefreshToken}");
        return await client.PostAsync("/api/v1/auth/logout", null, AuthPlatform.Cancel);
    }

    /// <summary>Does something and dies at a write of it. Tells whether the client had an answer all the same.</summary>
    private static async Task<bool> DieAsync(AuthPlatform platform, int write, bool took, Func<Task<HttpResponseMessage>> action, params (string Name, string Value)[] settings)
    {
        var writes = 0;
        var isDead = false;
        var death = platform.Dapr.Faults.StateWrites(app: Apps.Auth).Always().Do(async (_, proceed, _) =>
        {
            isDead |= Interlocked.Increment(ref writes) >= write;
            if (!isDead || (took && writes == write))
            {
                await proceed();
            }

            if (isDead)
            {
                throw new InjectedFaultException("auth is dead");
            }
        });
        var answered = false;
        var acting = Task.Run(action);
        // A process that is dead does not go on trying: it is not waited for.
        await Task.WhenAny(acting, UntilAsync(() => isDead || acting.IsCompleted));
        if (acting.IsCompletedSuccessfully)
        {
            using var response = await acting;
            answered = response.IsSuccessStatusCode;
        }

        await platform.App.DisposeAsync();
        await Task.WhenAny(acting);
        death.Dispose();
        await platform.StartAppAsync(settings);
        return answered;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, AuthPlatform.Cancel);
        }
    }

    /// <summary>
    /// A platform that goes from test to test: each leaves a new process of auth behind, and has a person of its own. One that fails keeps
    /// its platform.
    /// </summary>
    public sealed class Shared : IAsyncDisposable
    {
        private readonly List<AuthPlatform> _started = [];
        private AuthPlatform? _whole;

        internal async Task<AuthPlatform> TakeAsync()
        {
            if (_whole is { } platform)
            {
                // Revocations are kept by the hour: nobody finds the document of the test before.
                platform.Time.Advance(TimeSpan.FromHours(2));
            }
            else
            {
                _started.Add(platform = await AuthPlatform.StartAsync());
            }

            _whole = null;
            return platform;
        }

        internal void GiveBack(AuthPlatform platform) => _whole = platform;

        public async ValueTask DisposeAsync()
        {
            foreach (var platform in _started)
            {
                await platform.DisposeAsync();
            }
        }
    }
}
