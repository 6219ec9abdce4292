using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Auth.Keys;
using Contracts;
using Dapr.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using TestKit;

namespace Auth.Tests;

/// <summary>Keys are published before they sign, sign, verify what they signed, and go. Replicas share them.</summary>
public sealed class KeyRingTests : IAsyncDisposable
{
    /// <summary>So little of the clock's time that what really runs keeps within the limits that it sets.</summary>
    private static readonly TimeSpan SmallStep = TimeSpan.FromMilliseconds(10);

    private readonly List<KeyRing> _replicas = [];
    private readonly AuthOptions _options = new();
    private AuthPlatform _platform = null!;

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.StopAsync(AuthPlatform.Cancel);
        }

        await _platform.DisposeAsync();
    }

    [Fact]
    public async Task Replicas_that_start_at_once_share_one_key()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        var keys = _platform.App.Services.GetRequiredService<KeyRing>();
        var replicas = await Task.WhenAll(ReplicaAsync(), ReplicaAsync(), ReplicaAsync());

        var key = Assert.Single(keys.List());
        Assert.Equal((KeyState.Signing, TokenAlgorithms.Rs256, null), (key.State, key.Algorithm, key.EndsAt));
        Assert.All(replicas, replica => Assert.Equal(keys.List(), replica.Ring.List()));
    }

    [Fact]
    public async Task A_new_key_is_published_then_signs_and_the_old_one_stays_as_long_as_its_tokens()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        var (first, second) = (await ReplicaAsync(), await ReplicaAsync());
        var old = first.Ring.Active.KeyId;
        var token = Write(first.Ring, TimeSpan.FromDays(30));

        await first.Ring.RotateAsync(NewId, now: false, AuthPlatform.Cancel);

        Assert.Equal([KeyState.Signing, KeyState.Next], first.Ring.List().Select(key => key.State));
        await UntilAsync(() => second.Ring.Public.Keys.Count == 2);
        Assert.Equal((old, old), (first.Ring.Active.KeyId, second.Ring.Active.KeyId));

        // A second command while the first one waits for its time changes nothing.
        await second.Ring.RotateAsync(new string('e', 32), now: false, AuthPlatform.Cancel);
        Assert.Equal(2, second.Ring.List().Count);

        _platform.Time.Advance(_options.KeyOverlap);
        Assert.Equal((NewId, NewId), (first.Ring.Active.KeyId, second.Ring.Active.KeyId));
        Assert.Equal([KeyState.Verifying, KeyState.Signing], second.Ring.List().Select(key => key.State));
        Assert.Equal(TokenFailure.None, second.Verify(token));

        _platform.Time.Advance(_options.RefreshLifetime - TimeSpan.FromHours(1));
        Assert.Equal(2, second.Ring.Public.Keys.Count);
        _platform.Time.Advance(TimeSpan.FromHours(1) + TimeSpan.FromMinutes(1));
        await UntilAsync(() => first.Ring.Public.Keys.Count == 1 && second.Ring.Public.Keys.Count == 1);
        Assert.Equal((NewId, NewId), (first.Ring.Active.KeyId, second.Ring.Active.KeyId));
    }

    [Fact]
    public async Task Keys_are_replaced_when_they_are_old()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        var (first, second) = (await ReplicaAsync(), await ReplicaAsync());
        var old = first.Ring.Active.KeyId;

        _platform.Time.Advance(_options.KeyLifetime - _options.KeyOverlap - TimeSpan.FromMinutes(1));
        Assert.Single(first.Ring.List());
        _platform.Time.Advance(TimeSpan.FromMinutes(1));
        await UntilAsync(() => first.Ring.List().Count == 2 && second.Ring.List().Count == 2);

        Assert.Equal(old, second.Ring.Active.KeyId);
        _platform.Time.Advance(_options.KeyOverlap);
        Assert.NotEqual(old, second.Ring.Active.KeyId);
        Assert.Equal(first.Ring.Active.KeyId, second.Ring.Active.KeyId);
    }

    [Fact]
    public async Task Keys_that_may_be_known_to_somebody_end_at_once()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        var (first, second) = (await ReplicaAsync(), await ReplicaAsync());
        var token = Write(first.Ring);
        await first.Ring.RotateAsync(new string('d', 32), now: false, AuthPlatform.Cancel);

        await first.Ring.RotateAsync(NewId, now: true, AuthPlatform.Cancel);
        await first.Ring.RotateAsync(NewId, now: true, AuthPlatform.Cancel);

        Assert.Equal([NewId], first.Ring.List().Select(key => key.KeyId));
        Assert.Equal(TokenFailure.Invalid, first.Verify(token));

        // The other replica looks for a name that it does not know, without waiting for its time.
        var start = _platform.Time.GetUtcNow();
        Assert.Equal(TokenFailure.Invalid, second.Verify(Write(first.Ring)));
        await UntilAsync(() => second.Ring.Active.KeyId == NewId, SmallStep);
        Assert.Equal((TokenFailure.None, TokenFailure.Invalid), (second.Verify(Write(first.Ring)), second.Verify(token)));
        Assert.True(_platform.Time.GetUtcNow() - start < _options.KeyReload);
    }

    [Fact]
    public async Task Another_algorithm_begins_with_an_overlap()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        var old = _platform.App.Services.GetRequiredService<KeyRing>();
        await _platform.App.DisposeAsync();

        await _platform.StartAppAsync(("Auth:Algorithm", TokenAlgorithms.Es256));
        var keys = _platform.App.Services.GetRequiredService<KeyRing>();

        Assert.Equal([(TokenAlgorithms.Rs256, KeyState.Signing), (TokenAlgorithms.Es256, KeyState.Next)], keys.List().Select(key => (key.Algorithm, key.State)));
        Assert.Equal(old.Active.KeyId, keys.Active.KeyId);
        _platform.Time.Advance(_options.KeyOverlap);
        Assert.Equal(TokenAlgorithms.Es256, keys.Active.Algorithm);
        var verifier = _platform.App.Services.GetRequiredService<TokenVerifier>();
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(Write(keys), out _));
        Assert.Equal(TokenFailure.None, verifier.VerifyAccess(TokenWriter.Write(old.Active, TokenTypes.Access, Claims()), out _));
    }

    [Fact]
    public async Task Without_its_secret_auth_waits_and_says_why()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync(options => options.Secrets.Remove(KeyEncryption.SecretName));
        var given = _platform.Dapr.Secrets;
        using var gateway = _platform.Gateway();
        using (var refused = await gateway.PostAsync("/api/v1/auth/guest", null, AuthPlatform.Cancel))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync(gateway));
        given[KeyEncryption.SecretName] = "short";
        var keys = _platform.App.Services.GetRequiredService<KeyRing>();
        await UntilAsync(() => keys.Failure!.Contains("at least 32 characters, it has 5", StringComparison.Ordinal));
        given[KeyEncryption.SecretName] = new string('k', 64);
        await UntilAsync(() => keys.IsLoaded);
        // The revocations are read as well, within a limit by this clock.
        await UntilAsync(async () => await ReadyAsync(gateway) == HttpStatusCode.OK, SmallStep);

        Assert.Equal(HttpStatusCode.OK, await ReadyAsync(gateway));
        using var guest = await gateway.PostAsync("/api/v1/auth/guest", null, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.OK, guest.StatusCode);
    }

    [Fact]
    public async Task Another_secret_is_one_clear_sentence_and_new_keys_heal_it()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        await _platform.App.DisposeAsync();
        _platform.Dapr.Secrets[KeyEncryption.SecretName] = new string('x', 64);
        await _platform.StartAppAsync();
        using var operatorClient = Operator();

        using var listed = await operatorClient.GetAsync("/internal/signing-keys", AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, listed.StatusCode);
        Assert.Contains(
            "the secret 'identity-encryption-key' is not the one they were encrypted with", await listed.Content.ReadAsStringAsync(AuthPlatform.Cancel), StringComparison.Ordinal);
        using var added = await operatorClient.PostAsJsonAsync("/internal/signing-keys/rotate", new { key_id = NewId }, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, added.StatusCode);

        using var healed = await operatorClient.PostAsJsonAsync("/internal/signing-keys/rotate", new { key_id = NewId, now = true }, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.OK, healed.StatusCode);
        Assert.Equal(NewId, _platform.App.Services.GetRequiredService<KeyRing>().Active.KeyId);
    }

    [Fact]
    public async Task Operators_list_and_rotate_through_the_sidecar_of_auth_and_nobody_else_does()
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();
        using var operatorClient = Operator();

        using var rotated = await operatorClient.PostAsJsonAsync("/internal/signing-keys/rotate", new { key_id = NewId }, AuthPlatform.Cancel);
        var keys = (await rotated.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel)).GetProperty("keys");
        Assert.Equal(("signing", "next", NewId), (keys[0].GetProperty("state").GetString(), keys[1].GetProperty("state").GetString(), keys[1].GetProperty("key_id").GetString()));
        Assert.Equal(
            JsonSerializer.Serialize(keys), JsonSerializer.Serialize((await operatorClient.GetFromJsonAsync<JsonElement>("/internal/signing-keys", AuthPlatform.Cancel)).GetProperty("keys")));
        Assert.DoesNotContain("encrypted", await rotated.Content.ReadAsStringAsync(AuthPlatform.Cancel), StringComparison.OrdinalIgnoreCase);
        using var wrong = await operatorClient.PostAsJsonAsync("/internal/signing-keys/rotate", new { key_id = "../keys" }, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);

        using var gateway = _platform.Gateway();
        using var refused = await gateway.PostAsJsonAsync("/internal/signing-keys/rotate", new { key_id = NewId, now = true }, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Theory]
    [InlineData("Auth:KeyOverlap", "00:05:00")]
    [InlineData("Identity:KeyRefresh", "00:10:00")]
    [InlineData("Auth:KeyLifetime", "00:10:00")]
    public async Task Settings_that_sign_with_keys_nobody_knows_stop_the_start(string name, string value)
    {
        _platform = await AuthPlatform.StartWithoutKeysAsync();

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => _platform.StartAppAsync((name, value)));

        Assert.Contains("Auth:KeyOverlap", exception.ToString(), StringComparison.Ordinal);
    }

    private static string NewId { get; } = new('f', 32);

    private static async Task<HttpStatusCode> ReadyAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/healthz/ready", AuthPlatform.Cancel);
        return response.StatusCode;
    }

    private string Write(KeyRing keys, TimeSpan? lifetime = null) => TokenWriter.Write(keys.Active, TokenTypes.Access, Claims(lifetime));

    private TokenClaims Claims(TimeSpan? lifetime = null) => TestTokens.Claims("u", lifetime, _platform.Time.GetUtcNow());

    private HttpClient Operator()
    {
        var client = _platform.Gateway();
        client.DefaultRequestHeaders.Remove("dapr-caller-app-id");
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", Apps.Auth);
        return client;
    }

    /// <summary>Another process of auth, of which there are only the keys.</summary>
    private async Task<Replica> ReplicaAsync()
    {
        var verification = new VerificationKeys();
        var identity = Options.Create(new IdentityOptions());
        var ring = new KeyRing(
            _platform.App.Services.GetRequiredService<DaprClient>(), verification, _platform.Time, Options.Create(_options), identity, NullLogger<KeyRing>.Instance);
        await ring.StartAsync(AuthPlatform.Cancel);
        lock (_replicas)
        {
            _replicas.Add(ring);
        }

        return new Replica(ring, new TokenVerifier(verification, _platform.Time, identity));
    }

    private Task UntilAsync(Func<bool> condition, TimeSpan? step = null) => UntilAsync(() => Task.FromResult(condition()), step);

    /// <summary>Lets time pass until it is so.</summary>
    private async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? step = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(AuthPlatform.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition())
        {
            _platform.Time.Advance(step ?? TimeSpan.FromSeconds(1));
            await Task.Delay(20, limit.Token);
        }
    }

    private sealed record Replica(KeyRing Ring, TokenVerifier Verifier)
    {
        public TokenFailure Verify(string token) => Verifier.VerifyAccess(token, out _);
    }
}
