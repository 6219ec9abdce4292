using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Auth.ApiKeys;
using Auth.Sessions;
using Contracts;
using Contracts.Identity;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Tests;

/// <summary>API keys, from making to revoking, on a whole sidecar.</summary>
public sealed class ApiKeyTests : IAsyncLifetime
{
    private AuthPlatform _platform = null!;
    private HttpClient _ann = null!;
    private HttpClient _anyone = null!;

    public async ValueTask InitializeAsync()
    {
        _platform = await AuthPlatform.StartAsync();
        _ann = _platform.Gateway("ann");
        _anyone = _platform.Gateway();
    }

    public async ValueTask DisposeAsync()
    {
        _ann.Dispose();
        _anyone.Dispose();
        await _platform.DisposeAsync();
    }

    [Fact]
    public async Task A_key_is_shown_once_and_traded_for_a_token_of_its_scopes()
    {
        var (id, text) = await CreateAsync("scan", "jobs");

        var exchanged = await ExchangeAsync(text);

        Assert.Equal(TokenFailure.None, Verify(exchanged!.AccessToken, out var identity));
        Assert.Equal(("ann", id, "api-key"), (identity!.UserId, identity.SessionId, identity.Provider));
        Assert.Equal(["scan", "jobs"], identity.Scopes!);
        Assert.Equal(["user"], identity.Roles);
        Assert.Equal(_platform.Time.GetUtcNow() + TimeSpan.FromMinutes(15), exchanged.ExpiresAt);
        var list = await _ann.GetStringAsync("/api/v1/auth/api-keys", AuthPlatform.Cancel);
        Assert.Contains(id, list, StringComparison.Ordinal);
        Assert.Contains($"\"last_used_on\":\"{_platform.Time.GetUtcNow():yyyy-MM-dd}\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain(text[40..104], list, StringComparison.Ordinal);
        var stored = await _platform.Sidecar.GetStateAsync<JsonElement>(Components.StateStore, $"api-key:{id}", cancellationToken: AuthPlatform.Cancel);
        Assert.DoesNotContain(text[40..104], stored.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(_platform.Dapr.Logs.Entries, line => line.Message.Contains(text[40..104], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Keys_are_refused_that_are_wrong_mistyped_or_expired()
    {
        var (id, text) = await CreateAsync("scan");
        var other = ApiKeyText.Create(id).Text;
        var mistyped = text[..50] + (text[50] == '0' ? '1' : '0') + text[51..];
        var unknown = ApiKeyText.Create(Guid.NewGuid().ToString("N")).Text;

        foreach (var wrong in new[] { other, mistyped, unknown, "", "tandem_", text + "0", text.ToUpperInvariant() })
        {
            Assert.Null(await ExchangeAsync(wrong));
        }

        var (_, expiring) = await CreateAsync(1, "scan");
        _platform.Time.Advance(TimeSpan.FromHours(23.9));
        Assert.Equal(_platform.Time.GetUtcNow() + TimeSpan.FromHours(0.1), (await ExchangeAsync(expiring))!.ExpiresAt);
        _platform.Time.Advance(TimeSpan.FromHours(0.1));
        Assert.Null(await ExchangeAsync(expiring));
        Assert.NotNull(await ExchangeAsync(text));
    }

    [Fact]
    public async Task A_deleted_key_takes_its_tokens_along()
    {
        var (id, text) = await CreateAsync("scan");
        Verify((await ExchangeAsync(text))!.AccessToken, out var identity);

        using var deleted = await _ann.DeleteAsync($"/api/v1/auth/api-keys/{id}", AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Null(await ExchangeAsync(text));
        Assert.True(_platform.App.Services.GetRequiredService<RevokedTokens>().Contains(identity!));
        Assert.DoesNotContain(id, await _ann.GetStringAsync("/api/v1/auth/api-keys", AuthPlatform.Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_in_between_a_deletion_is_completed_by_repeating_it()
    {
        for (var writes = 0; writes < 5; writes++)
        {
            var (id, text) = await CreateAsync("scan");
            Verify((await ExchangeAsync(text))!.AccessToken, out var identity);
            _platform.Dapr.Faults.StateWrites(app: Apps.Auth).After(writes).Times(20).Fail();
            using var first = await _ann.DeleteAsync($"/api/v1/auth/api-keys/{id}", AuthPlatform.Cancel);
            _platform.Dapr.Faults.Clear();

            using var second = await _ann.DeleteAsync($"/api/v1/auth/api-keys/{id}", AuthPlatform.Cancel);

            Assert.True(second.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotFound, $"{first.StatusCode}, then {second.StatusCode}");
            Assert.Null(await ExchangeAsync(text));
            Assert.True(_platform.App.Services.GetRequiredService<RevokedTokens>().Contains(identity!));
        }
    }

    [Fact]
    public async Task Killed_in_between_the_making_leaves_no_key_that_its_owner_cannot_see()
    {
        for (var writes = 0; writes < 2; writes++)
        {
            _platform.Dapr.Faults.StateWrites(app: Apps.Auth).After(writes).Times(20).Fail();
            using var failed = await _ann.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = new[] { "scan" } }, AuthPlatform.Cancel);
            _platform.Dapr.Faults.Clear();
            Assert.False(failed.IsSuccessStatusCode);
        }

        var (id, _) = await CreateAsync("scan");
        var list = await _ann.GetFromJsonAsync<JsonElement>("/api/v1/auth/api-keys", AuthPlatform.Cancel);
        Assert.Equal(id, Assert.Single(list.GetProperty("keys").EnumerateArray()).GetProperty("id").GetString());
    }

    [Fact]
    public async Task Nobody_sees_or_ends_keys_of_others()
    {
        var (id, text) = await CreateAsync("scan");
        using var ben = _platform.Gateway("ben");

        using var deleted = await ben.DeleteAsync($"/api/v1/auth/api-keys/{id}", AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.NotFound, deleted.StatusCode);
        Assert.DoesNotContain(id, await ben.GetStringAsync("/api/v1/auth/api-keys", AuthPlatform.Cancel), StringComparison.Ordinal);
        Assert.NotNull(await ExchangeAsync(text));
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        using var scope = await _ann.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = new[] { "admin" } }, AuthPlatform.Cancel);
        using var none = await _ann.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = Array.Empty<string>() }, AuthPlatform.Cancel);
        using var nobody = await _anyone.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = new[] { "scan" } }, AuthPlatform.Cancel);
        using var machine = _platform.Gateway("ann");
        machine.DefaultRequestHeaders.Add("X-Auth-Provider", "api-key");
        using var byKey = await machine.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = new[] { "scan" } }, AuthPlatform.Cancel);

        Assert.Equal(
            (HttpStatusCode.UnprocessableEntity, HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden),
            (scope.StatusCode, none.StatusCode, nobody.StatusCode, byKey.StatusCode));
    }

    [Fact]
    public async Task A_person_has_so_many_keys_and_no_more()
    {
        for (var i = 0; i < 20; i++)
        {
            await CreateAsync("scan");
        }

        using var above = await _ann.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes = new[] { "scan" } }, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Conflict, above.StatusCode);
    }

    [Fact]
    public async Task Only_the_gateway_trades_keys()
    {
        var (_, text) = await CreateAsync("scan");
        using var client = _platform.Gateway();
        client.DefaultRequestHeaders.Remove("dapr-caller-app-id");
        client.DefaultRequestHeaders.Add("dapr-caller-app-id", Apps.Scan);

        using var response = await client.PostAsJsonAsync("/internal/api-keys/exchange", new ExchangeApiKey(text), TandemJson.Options, AuthPlatform.Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task Client_credentials_give_a_token_and_errors_of_oauth()
    {
        var (id, text) = await CreateAsync("scan", "jobs");

        var whole = await TokenAsync(("grant_type", "client_credentials"), ("client_id", id), ("client_secret", text));
        Assert.Equal(HttpStatusCode.OK, whole.Status);
        Assert.Equal(("Bearer", 900, "scan jobs"), (whole.Body.GetProperty("token_type").GetString(), whole.Body.GetProperty("expires_in").GetInt32(), whole.Body.GetProperty("scope").GetString()));
        var part = await TokenAsync(basic: $"{id}:{text}", ("grant_type", "client_credentials"), ("scope", "jobs"));
        Verify(part.Body.GetProperty("access_token").GetString()!, out var identity);
        Assert.Equal(["jobs"], identity!.Scopes!);

        Assert.Equal((HttpStatusCode.BadRequest, "invalid_scope"), Error(await TokenAsync(basic: $"{id}:{text}", ("grant_type", "client_credentials"), ("scope", "jobs images"))));
        Assert.Equal((HttpStatusCode.BadRequest, "unsupported_grant_type"), Error(await TokenAsync(("grant_type", "password"))));
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), Error(await TokenAsync(("client_id", id))));
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), Error(await TokenAsync(("grant_type", "client_credentials"), ("grant_type", "client_credentials"))));
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_request"), Error(await TokenAsync(basic: $"{id}:{text}", ("grant_type", "client_credentials"), ("client_secret", text))));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_client"), Error(await TokenAsync(("grant_type", "client_credentials"), ("client_id", id), ("client_secret", "x"))));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_client"), Error(await TokenAsync(("grant_type", "client_credentials"), ("client_id", "other"), ("client_secret", text))));
        var basic = await TokenAsync(basic: "nonsense", ("grant_type", "client_credentials"));
        Assert.Equal((HttpStatusCode.Unauthorized, "invalid_client"), Error(basic));
        Assert.Equal("Basic", basic.Challenge);
    }

    [Fact]
    public async Task Erased_keys_are_gone_with_their_tokens()
    {
        var (_, text) = await CreateAsync("scan");
        Verify((await ExchangeAsync(text))!.AccessToken, out var identity);
        var data = _platform.App.Services.GetServices<IUserData>().OfType<ApiKeyData>().Single();

        await data.EraseAsync("ann", AuthPlatform.Cancel);
        await data.EraseAsync("ann", AuthPlatform.Cancel);

        Assert.Null(await ExchangeAsync(text));
        Assert.True(_platform.App.Services.GetRequiredService<RevokedTokens>().Contains(identity!));
    }

    private Task<(string Id, string Text)> CreateAsync(params string[] scopes) => CreateAsync(null, scopes);

    private async Task<(string Id, string Text)> CreateAsync(int? days, params string[] scopes)
    {
        using var response = await _ann.PostAsJsonAsync("/api/v1/auth/api-keys", new { name = "ci", scopes, expires_in_days = days }, AuthPlatform.Cancel);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var created = await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel);
        return (created.GetProperty("key").GetProperty("id").GetString()!, created.GetProperty("api_key").GetString()!);
    }

    private async Task<ExchangedApiKey?> ExchangeAsync(string text)
    {
        using var response = await _anyone.PostAsJsonAsync("/internal/api-keys/exchange", new ExchangeApiKey(text), TandemJson.Options, AuthPlatform.Cancel);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return null;
        }

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadFromJsonAsync<ExchangedApiKey>(TandemJson.Options, AuthPlatform.Cancel);
    }

    private TokenFailure Verify(string token, out Identity? identity) => _platform.App.Services.GetRequiredService<TokenVerifier>().VerifyAccess(token, out identity);

    private Task<(HttpStatusCode Status, JsonElement Body, string? Challenge)> TokenAsync(params (string Name, string Value)[] form) => TokenAsync(null, form);

    private async Task<(HttpStatusCode Status, JsonElement Body, string? Challenge)> TokenAsync(string? basic, params (string Name, string Value)[] form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/auth/token")
        {
            Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))),
        };
        if (basic is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(basic)));
        }

        using var response = await _anyone.SendAsync(request, AuthPlatform.Cancel);
        Assert.True(response.Headers.CacheControl?.NoStore);
        return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(AuthPlatform.Cancel), response.Headers.WwwAuthenticate.FirstOrDefault()?.Scheme);
    }

    private static (HttpStatusCode, string?) Error((HttpStatusCode Status, JsonElement Body, string?) answer) => (answer.Status, answer.Body.GetProperty("error").GetString());
}
