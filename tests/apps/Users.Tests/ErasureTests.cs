using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Characters.Ownership;
using Contracts;
using Contracts.Scan;
using Contracts.Users;
using Images.Storage;
using ServiceDefaults;
using Sidecar.Testing;
using Users.Accounts;

namespace Users.Tests;

/// <summary>A person deletes the account: nothing of it is left in users, characters and images, whatever goes wrong on the way.</summary>
public sealed class ErasureTests
{
    private const string User = "u1";

    private static CancellationToken Cancel => ErasurePlatform.Cancel;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Everything_is_erased_although_events_are_lost_doubled_and_late_and_the_sidecar_crashes(int seed)
    {
        await using var platform = await ErasurePlatform.StartAsync(seed);
        using var users = platform.Gateway(platform.Users, User);
        using var images = platform.Gateway(platform.Images, User);
        using (var named = await users.PatchAsJsonAsync("/api/v1/users/me", new { nickname = "Ann", phone_number = "01012345678" }, Cancel))
        {
            Assert.Equal(HttpStatusCode.OK, named.StatusCode);
        }

        for (var i = 0; i < 5; i++)
        {
            await platform.RewardAsync(User, Guid.NewGuid());
        }

        string[] keys = [await platform.TicketAsync(images), await platform.TicketAsync(images), await platform.TicketAsync(images)];
        using (var finished = await platform.FinishAsync(images, keys[0], await platform.UploadAsync(images, keys[0])))
        {
            Assert.Equal(HttpStatusCode.OK, finished.StatusCode);
        }

        await platform.UploadAsync(images, keys[1]);
        await platform.Dapr.AdvanceUntilIdleAsync(cancellationToken: Cancel);
        Assert.Equal(5, (await platform.Characters.GetStateAsync<Owner>(Components.StateStore, $"owner:{User}", TandemJson.Options, Cancel))!.Facts.Count);
        // A picture, its thumbnail, an upload.
        Assert.Equal(3, platform.Files.Count());

        var faults = platform.Dapr.Faults;
        Fault[] happened =
        [
            faults.Deliveries(UserTopics.UserDeleted).WithProbability(0.3).Drop(),
            faults.Deliveries(UserTopics.UserDeleted).WithProbability(0.3).DuplicateAtOnce(),
            faults.StateWrites(Components.StateStore).WithProbability(0.05).Fail(),
            faults.StateWrites(Components.StateStore).WithProbability(0.1).FailAfterwards(),
            faults.StateWrites(Components.StateStore).WithProbability(0.1).Conflict(),
            faults.Calls(Apps.Users, $"/internal/users/erasures/{User}").WithProbability(0.3).FailAfterwards(),
        ];
        await RepeatAsync(() => users.DeleteAsync("/api/v1/users/me", Cancel));
        for (var i = 0; i < 5; i++)
        {
            await platform.RewardAsync(User, Guid.NewGuid());
        }

        await platform.Dapr.RestartAsync(crash: true, Cancel);
        var receipt = await platform.CompletedAsync(User);

        faults.Clear();
        Assert.Empty(receipt.Pending);
        Assert.NotEqual(0, happened.Sum(fault => fault.Hits));
        var account = await platform.Users.GetStateAsync<Account>(Components.StateStore, $"user:{User}", TandemJson.Options, Cancel);
        Assert.Equal((null, null, 0, 0, 0), (account!.Nickname, account.PhoneNumber, account.Points, account.Ledger.Count, account.Characters.Count));
        var owner = await platform.Characters.GetStateAsync<Owner>(Components.StateStore, $"owner:{User}", TandemJson.Options, Cancel);
        Assert.Equal((0, 0), (owner!.Characters.Count, owner.Facts.Count));
        var held = await platform.Images.GetStateAsync<UserImages>(Components.StateStore, $"images:{User}", TandemJson.Options, Cancel);
        Assert.Equal((0, 0, 0), (held!.Keys.Count, held.Open.Count, held.Pages));
        foreach (var key in keys)
        {
            Assert.Null(await platform.Images.GetStateAsync<JsonElement?>(Components.StateStore, $"image:{key}", TandemJson.Options, Cancel));
            Assert.Null(await platform.Images.GetStateAsync<JsonElement?>(Components.StateStore, $"ticket:{key}", TandemJson.Options, Cancel));
        }

        Assert.Empty(platform.Files);
        foreach (var path in (string[])["", "/characters", "/points"])
        {
            using var gone = await users.GetAsync($"/api/v1/users/me{path}", Cancel);
            Assert.Equal((HttpStatusCode.NotFound, "USER_NOT_FOUND"), (gone.StatusCode, await CodeAsync(gone)));
        }

        using var ticket = await images.PostAsJsonAsync("/api/v1/images/my", new { filename = "p.png", content_type = "image/png" }, Cancel);
        Assert.Equal((HttpStatusCode.NotFound, "USER_NOT_FOUND"), (ticket.StatusCode, await CodeAsync(ticket)));
    }

    [Fact]
    public async Task An_app_that_was_away_for_days_erases_when_it_is_back()
    {
        await using var platform = await ErasurePlatform.StartAsync(withAuth: false);
        using var users = platform.Gateway(platform.Users, User);
        using var admin = platform.Gateway(platform.Users, "boss", "user,admin");
        await platform.DeleteAsync(users);

        await platform.Dapr.AdvanceAsync(TimeSpan.FromHours(26), Cancel);

        var pending = await admin.GetFromJsonAsync<JsonElement>("/api/v1/users/erasures", Cancel);
        Assert.Equal((1, 1), (pending.GetProperty("total").GetInt32(), pending.GetProperty("overdue").GetInt32()));
        var erasure = Assert.Single(pending.GetProperty("erasures").EnumerateArray());
        Assert.Equal([Apps.Auth], erasure.GetProperty("pending").EnumerateArray().Select(app => app.GetString()));
        using var refused = await users.GetAsync("/api/v1/users/erasures", Cancel);
        Assert.Equal((HttpStatusCode.Forbidden, "ROLE_REQUIRED"), (refused.StatusCode, await CodeAsync(refused)));
        using var metrics = ErasurePlatform.Client(platform.Users, Apps.Users);
        var text = await metrics.GetStringAsync("/metrics", Cancel);
        Assert.Matches(@"(?m)^users_erasures_overdue\S* 1$", text);
        Assert.Contains(platform.Dapr.Logs.Entries, line => line.EventId == 1604);

        await platform.PlayAsync(Apps.Auth);
        var receipt = await platform.CompletedAsync(User);

        Assert.Empty(receipt.Pending);
        pending = await admin.GetFromJsonAsync<JsonElement>("/api/v1/users/erasures", Cancel);
        Assert.Equal(0, pending.GetProperty("total").GetInt32());
        var kept = await admin.GetFromJsonAsync<JsonElement>($"/api/v1/users/erasures/{User}", Cancel);
        Assert.True(kept.TryGetProperty("completed_at", out _));
    }

    [Fact]
    public async Task Who_signs_in_again_begins_anew_and_the_old_account_stays_gone()
    {
        await using var platform = await ErasurePlatform.StartAsync();
        using var auth = ErasurePlatform.Client(platform.Users, Apps.Auth);
        async Task<SignedInUser> SignInAsync(string provider = "kakao")
        {
            using var response = await auth.PostAsJsonAsync(
                "/internal/users/sign-in", new SignInUser(provider, "k-1", platform.Dapr.Time.GetUtcNow(), Nickname: "Ann"), TandemJson.Options, Cancel);
            response.EnsureSuccessStatusCode();
            return (await response.Content.ReadFromJsonAsync<SignedInUser>(TandemJson.Options, Cancel))!;
        }

        var first = await SignInAsync();
        using var users = platform.Gateway(platform.Users, first.UserId, provider: "kakao");
        var profile = await users.GetFromJsonAsync<JsonElement>("/api/v1/users/me", Cancel);
        Assert.Equal(("Ann", "kakao"), (profile.GetProperty("display_name").GetString(), profile.GetProperty("provider").GetString()));
        Assert.Equal(platform.Dapr.Time.GetUtcNow(), profile.GetProperty("last_login_at").GetDateTimeOffset());

        // The account is marked, but its identity cannot be released yet: a sign-in in between must not enter it.
        var stuck = platform.Dapr.Faults.StateWrites(Components.StateStore, IdentityStore.Key("kakao", "k-1")).Fail();
        await platform.DeleteAsync(users);
        Assert.Equal(1, stuck.Hits);
        var second = await SignInAsync();
        await platform.CompletedAsync(first.UserId);
        var third = await SignInAsync();

        Assert.NotEqual(first.UserId, second.UserId);
        Assert.True(second.IsNew);
        Assert.Equal(second.UserId, third.UserId);
        using var gone = await users.GetAsync("/api/v1/users/me", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        var account = await platform.Users.GetStateAsync<Account>(Components.StateStore, $"user:{first.UserId}", TandemJson.Options, Cancel);
        Assert.Empty(account!.LinkedAccounts);
        await platform.DeleteAsync(users);
    }

    [Fact]
    public async Task A_picture_that_is_finished_while_the_account_is_erased_leaves_nothing()
    {
        await using var platform = await ErasurePlatform.StartAsync();
        using var users = platform.Gateway(platform.Users, User);
        using var images = platform.Gateway(platform.Images, User);
        var key = await platform.TicketAsync(images);
        var etag = await platform.UploadAsync(images, key);
        platform.Dapr.Faults.StateWrites(Components.StateStore, $"image:{key}").Do(async (_, proceed, _) =>
        {
            await platform.DeleteAsync(users);
            await platform.Dapr.WaitForDeliveredAsync(UserTopics.UserDeleted, Apps.Images, cancellationToken: Cancel);
            await proceed();
        });

        using var finished = await platform.FinishAsync(images, key, etag);

        Assert.Equal(HttpStatusCode.NotFound, finished.StatusCode);
        Assert.Empty(platform.Files);
        Assert.Null(await platform.Images.GetStateAsync<JsonElement?>(Components.StateStore, $"image:{key}", TandemJson.Options, Cancel));
    }

    [Fact]
    public async Task An_upload_that_ends_after_the_account_was_erased_leaves_nothing()
    {
        await using var platform = await ErasurePlatform.StartAsync();
        using var users = platform.Gateway(platform.Users, User);
        using var images = platform.Gateway(platform.Images, User);
        var key = await platform.TicketAsync(images);
        using var body = new HeldContent(await ErasurePlatform.Picture().ReadAsByteArrayAsync(Cancel));
        var upload = images.PutAsync($"/api/v1/images/upload/{key}", body, Cancel);
        await body.Begun;
        while (!platform.Files.Any())
        {
            await Task.Delay(5, Cancel);
        }

        await platform.DeleteAsync(users);
        await platform.Dapr.WaitForDeliveredAsync(UserTopics.UserDeleted, Apps.Images, cancellationToken: Cancel);
        body.Release();
        using var response = await upload;

        Assert.Equal((HttpStatusCode.NotFound, "UPLOAD_NOT_FOUND"), (response.StatusCode, await CodeAsync(response)));
        Assert.Empty(platform.Files);
    }

    [Theory]
    [InlineData("""{"nickname":"Ann","points":1000000}""", "MEMBER_NOT_CHANGEABLE")]
    [InlineData("""{"provider":"kakao"}""", "MEMBER_NOT_CHANGEABLE")]
    [InlineData("""{"deleted_at":null}""", "MEMBER_NOT_CHANGEABLE")]
    [InlineData("{}", "NO_CHANGES_PROVIDED")]
    [InlineData("""{"phone_number":"02-1234-5678"}""", "INVALID_PHONE_NUMBER")]
    public async Task A_profile_takes_only_what_may_be_changed(string body, string code)
    {
        await using var platform = await ErasurePlatform.StartAsync();
        using var users = platform.Gateway(platform.Users, User);

        using var response = await users.PatchAsync("/api/v1/users/me", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Cancel);

        Assert.Equal((HttpStatusCode.UnprocessableEntity, code), (response.StatusCode, await CodeAsync(response)));
        Assert.Null(await platform.Users.GetStateAsync<Account>(Components.StateStore, $"user:{User}", TandemJson.Options, Cancel));
    }

    private static async Task RepeatAsync(Func<Task<HttpResponseMessage>> call)
    {
        for (var tries = 1; ; tries++)
        {
            using var response = await call();
            if (response.StatusCode == HttpStatusCode.NoContent)
            {
                return;
            }

            Assert.True(tries < 30, $"{response.StatusCode}: {await response.Content.ReadAsStringAsync(Cancel)}");
        }
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response) =>
        (await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("code").GetString();

    /// <summary>A picture whose second half comes when the test says so.</summary>
    private sealed class HeldContent : HttpContent
    {
        private readonly byte[] _bytes;
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HeldContent(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new("image/png");
        }

        public Task Begun => _begun.Task;

        public void Release() => _released.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, _bytes.Length / 2));
            await stream.FlushAsync();
            _begun.SetResult();
            await _released.Task;
            await stream.WriteAsync(_bytes.AsMemory(_bytes.Length / 2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
