using System.Net;
using System.Net.Http.Json;
using Contracts;
using Contracts.Users;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using ServiceDefaults;
using Sidecar.Testing;
using Users.Accounts;

namespace Users.Tests;

/// <summary>Sign-in into users on a whole sidecar: one identity has one account, whatever fails in between.</summary>
public sealed class SignInTests
{
    private static readonly DateTimeOffset First = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SignInUser Ann = new("google", "g-1", First, "ann@example.org", "Ann", "https://example.org/ann.png");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_sign_in_makes_an_account_and_later_ones_find_it()
    {
        await using var platform = await UsersPlatform.StartAsync();

        var first = await platform.SignInAsync(Ann);
        var second = await platform.SignInAsync(Ann with { At = First.AddDays(1), Email = "new@example.org", Nickname = "Other", ProfileImageUrl = null });

        Assert.True(first.IsNew);
        Assert.False(second.IsNew);
        Assert.Equal(first.UserId, second.UserId);
        Assert.Equal(7, Guid.Parse(first.UserId).Version);
        var account = await platform.AccountAsync(first.UserId);
        Assert.Equal(("Ann", "https://example.org/ann.png", First), (account!.Nickname, account.ProfileImageUrl, account.CreatedAt));
        Assert.Equal(new LinkedAccount("google", "g-1", "new@example.org", First, First.AddDays(1)), Assert.Single(account.LinkedAccounts));
    }

    [Fact]
    public async Task The_same_id_at_another_provider_is_another_person()
    {
        await using var platform = await UsersPlatform.StartAsync();

        var google = await platform.SignInAsync(Ann);
        var kakao = await platform.SignInAsync(Ann with { Provider = "kakao" });

        Assert.NotEqual(google.UserId, kakao.UserId);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Many_at_once_get_one_account(int seed)
    {
        await using var platform = await UsersPlatform.StartAsync(seed);
        // How many writes there are depends on who comes first, so the first ones are met for certain.
        var overtaken = platform.Dapr.Faults.StateWrites(Components.StateStore).Times(2).Conflict();
        using var unanswered = platform.Dapr.Faults.StateWrites(Components.StateStore).WithProbability(0.2).FailAfterwards();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => RepeatAsync(() => platform.SignInAsync(Ann with { At = First.AddSeconds(i) }))));

        Assert.Single(answers.Select(answer => answer.UserId).Distinct());
        var account = await platform.AccountAsync(answers[0].UserId);
        var link = Assert.Single(account!.LinkedAccounts);
        Assert.Equal(First.AddSeconds(19), link.LastLoginAt);
        Assert.Equal(2, overtaken.Hits);
    }

    [Fact]
    public async Task Killed_after_the_identity_it_is_completed_by_the_next_try()
    {
        await using var platform = await UsersPlatform.StartAsync();
        using (platform.Dapr.Faults.StateWrites(Components.StateStore).When(IsAccount).Always().Fail())
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => platform.SignInAsync(Ann));
        }

        await platform.KillUsersAsync();
        var identity = await platform.IdentityAsync(Ann);
        Assert.NotNull(identity);
        Assert.Null(await platform.AccountAsync(identity.UserId));
        await platform.StartUsersAsync();

        var answer = await platform.SignInAsync(Ann with { At = First.AddMinutes(1) });

        Assert.Equal(new SignedInUser(identity.UserId, IsNew: true), answer);
        Assert.Single((await platform.AccountAsync(answer.UserId))!.LinkedAccounts);
    }

    [Fact]
    public async Task The_same_try_again_says_the_same()
    {
        await using var platform = await UsersPlatform.StartAsync();

        var first = await platform.SignInAsync(Ann);

        Assert.Equal(first, await platform.SignInAsync(Ann));
    }

    [Fact]
    public async Task Only_auth_may_sign_people_in()
    {
        await using var platform = await UsersPlatform.StartAsync();
        var other = await platform.Dapr.AddAppAsync(Apps.Characters, cancellationToken: Cancel);
        using var client = other.CreateInvokeClient(Apps.Users);

        using var response = await client.PostAsJsonAsync("internal/users/sign-in", Ann, TandemJson.Options, Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Theory]
    [InlineData("", "1")]
    [InlineData("google", "")]
    [InlineData("google", null)]
    public async Task An_identity_without_a_name_is_refused(string provider, string? id)
    {
        await using var platform = await UsersPlatform.StartAsync();
        using var client = platform.Client();

        using var response = await client.PostAsJsonAsync("internal/users/sign-in", Ann with { Provider = provider, ProviderUserId = id! }, TandemJson.Options, Cancel);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
    }

    [Theory]
    [InlineData("javascript:alert(1)", null)]
    [InlineData("http://k.kakaocdn.net/a.jpg", "https://k.kakaocdn.net/a.jpg")]
    [InlineData("//example.org/a.png", null)]
    public void Pictures_are_https(string address, string? kept) => Assert.Equal(kept, Account.Empty.SignIn(Ann with { ProfileImageUrl = address }).ProfileImageUrl);

    [Fact]
    public void A_name_of_any_length_fits()
    {
        var nickname = Account.Empty.SignIn(Ann with { Nickname = new string('a', 119) + "😀" }).Nickname;

        Assert.Equal(new string('a', 119), nickname);
    }

    private static bool IsAccount(StateWriteAttempt attempt) => attempt.Writes.Any(write => write.Key.Contains("user:", StringComparison.Ordinal));

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> action)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await action();
            }
            catch (HttpRequestException) when (attempt < 20)
            {
                // The caller repeats as auth does.
            }
        }
    }

    private sealed class UsersPlatform : IAsyncDisposable
    {
        private WebApplicationFactory<UsersService>? _app;

        public required SidecarHost Dapr { get; init; }

        public required SidecarApp Users { get; init; }

        public static async Task<UsersPlatform> StartAsync(int? seed = null)
        {
            var dapr = await SidecarHost.StartAsync(options =>
            {
                options.AppId = Apps.Auth;
                options.Seed = seed ?? options.Seed;
            }, Cancel);
            var platform = new UsersPlatform { Dapr = dapr, Users = await dapr.AddAppAsync(Apps.Users, cancellationToken: Cancel) };
            await platform.StartUsersAsync();
            return platform;
        }

        public async Task StartUsersAsync()
        {
            _app = new WebApplicationFactory<UsersService>().WithWebHostBuilder(web => web.UseSidecar(Users));
            _app.UseKestrel();
            _app.StartServer();
            await Users.ReadyAsync(cancellationToken: Cancel);
        }

        public async Task KillUsersAsync()
        {
            Users.BreakConnections();
            await _app!.DisposeAsync();
        }

        public HttpClient Client() => Dapr.CreateInvokeClient(Apps.Users);

        public async Task<SignedInUser> SignInAsync(SignInUser command)
        {
            using var client = Client();
            using var response = await client.PostAsJsonAsync("internal/users/sign-in", command, TandemJson.Options, Cancel);
            response.EnsureSuccessStatusCode();
            return (await response.Content.ReadFromJsonAsync<SignedInUser>(TandemJson.Options, Cancel))!;
        }

        public Task<Account?> AccountAsync(string userId) =>
            Users.GetStateAsync<Account>(Components.StateStore, $"user:{userId}", TandemJson.Options, Cancel);

        public Task<IdentityDocument?> IdentityAsync(SignInUser command) => Users.GetStateAsync<IdentityDocument>(
            Components.StateStore, IdentityStore.Key(command.Provider, command.ProviderUserId), TandemJson.Options, Cancel);

        public async ValueTask DisposeAsync()
        {
            await _app!.DisposeAsync();
            await Dapr.DisposeAsync();
        }
    }
}
