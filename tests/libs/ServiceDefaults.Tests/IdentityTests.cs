using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests;

public sealed class IdentityTests
{
    private const string Key = "0123456789abcdef0123456789abcdef";
    private readonly ManualTimeProvider _time = new();
    private readonly IdentityTokens _tokens;

    public IdentityTests()
    {
        _tokens = new IdentityTokens(_time);
        _tokens.UseKey(Key);
    }

    [Fact]
    public void An_issued_token_is_valid()
    {
        var identity = _tokens.Verify(_tokens.Issue("user-1", TimeSpan.FromHours(1)));

        Assert.Equal(new Identity.Identity("user-1", _time.GetUtcNow().AddHours(1)), identity);
    }

    [Fact]
    public void No_two_tokens_are_the_same() =>
        Assert.NotEqual(_tokens.Issue("u", TimeSpan.FromHours(1)), _tokens.Issue("u", TimeSpan.FromHours(1)));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_change_of_any_character_is_noticed(int part)
    {
        var parts = _tokens.Issue("user-1", TimeSpan.FromHours(1)).Split('.');
        // The last character of a part may hold bits that are not used.
        for (var i = 0; i < parts[part].Length - 1; i++)
        {
            var changed = parts.ToArray();
            changed[part] = changed[part][..i] + (changed[part][i] == 'A' ? 'B' : 'A') + changed[part][(i + 1)..];
            Assert.Null(_tokens.Verify(string.Join('.', changed)));
        }
    }

    [Fact]
    public void Expired_tokens_are_refused_after_the_leeway()
    {
        var token = _tokens.Issue("u", TimeSpan.FromMinutes(1));

        _time.Advance(TimeSpan.FromSeconds(64));
        Assert.NotNull(_tokens.Verify(token));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(_tokens.Verify(token));
    }

    [Fact]
    public void Another_key_is_refused()
    {
        var others = new IdentityTokens(_time);
        others.UseKey(new string('x', 32));

        Assert.Null(_tokens.Verify(others.Issue("u", TimeSpan.FromHours(1))));
    }

    private const string GoodHeader = """{"alg":"HS256","typ":"at+jwt"}""";
    private const string GoodPayload = """{"iss":"tandem","aud":"api","sub":"u","jti":"1","iat":1767225600,"exp":1767312000}""";

    /// <summary>Signed correctly, whatever it says.</summary>
    private static string Sign(string header, string payload, bool sha512 = false)
    {
        var signed = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        var (key, bytes) = (Encoding.UTF8.GetBytes(Key), Encoding.ASCII.GetBytes(signed));
        return $"{signed}.{Base64Url.EncodeToString(sha512 ? HMACSHA512.HashData(key, bytes) : HMACSHA256.HashData(key, bytes))}";
    }

    [Fact]
    public void The_reference_token_is_valid() => Assert.Equal("u", _tokens.Verify(Sign(GoodHeader, GoodPayload))?.UserId);

    [Theory]
    [InlineData("""{"alg":"none","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"None","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"HS512","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"HS256","typ":"JWT"}""")]
    [InlineData("""{"alg":"HS256"}""")]
    [InlineData("""{"alg":"HS256","typ":"at+jwt","kid":"../../key"}""")]
    [InlineData("""{"typ":"at+jwt","alg":"HS256"}""")]
    public void Other_headers_are_refused_even_when_signed(string header)
    {
        Assert.Null(_tokens.Verify(Sign(header, GoodPayload)));
        Assert.Null(_tokens.Verify(Sign(header, GoodPayload, sha512: true)));
    }

    [Theory]
    [InlineData("""{"iss":"other","aud":"api","sub":"u","jti":"1","iat":1767225600,"exp":1767312000}""")]
    [InlineData("""{"iss":"tandem","aud":"other","sub":"u","jti":"1","iat":1767225600,"exp":1767312000}""")]
    [InlineData("""{"iss":"tandem","aud":"api","sub":"","jti":"1","iat":1767225600,"exp":1767312000}""")]
    [InlineData("""{"iss":"tandem","aud":"api","jti":"1","iat":1767225600,"exp":1767312000}""")]
    [InlineData("""{"iss":"tandem","aud":"api","sub":"u"}""")]
    [InlineData("""{"iss":"tandem","aud":"api","sub":"u","exp":9223372036854775807}""")]
    [InlineData("""{"iss":"tandem","aud":"api","sub":"u","exp":253402300799}""")]
    [InlineData("""{"iss":"tandem","aud":"api","sub":"u","exp":"1767312000"}""")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("not json")]
    public void Other_claims_are_refused_even_when_signed(string payload) => Assert.Null(_tokens.Verify(Sign(GoodHeader, payload)));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.사과.사과")]
    public void Other_forms_are_refused(string token) => Assert.Null(_tokens.Verify(token));

    [Fact]
    public void Unsigned_and_oversized_tokens_are_refused()
    {
        var unsigned = Sign(GoodHeader, GoodPayload);
        Assert.Null(_tokens.Verify(unsigned[..(unsigned.LastIndexOf('.') + 1)]));
        Assert.Null(_tokens.Verify(_tokens.Issue(new string('u', 5_000), TimeSpan.FromHours(1))));
    }

    [Fact]
    public void Short_keys_and_missing_keys_are_failures()
    {
        var tokens = new IdentityTokens(_time);

        Assert.Throws<InvalidOperationException>(() => tokens.UseKey("short"));
        Assert.Throws<InvalidOperationException>(() => tokens.Issue("u", TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Requests_authenticate_by_header_else_cookie()
    {
        var (header, cookie) = (_tokens.Issue("header", TimeSpan.FromHours(1)), _tokens.Issue("cookie", TimeSpan.FromHours(1)));
        string? User(string? authorization, string? s)
        {
            var http = new DefaultHttpContext();
            if (authorization is not null)
            {
                http.Request.Headers.Authorization = authorization;
            }

            if (s is not null)
            {
                http.Request.Headers.Cookie = $"{IdentityTokens.CookieName}={s}";
            }

            return _tokens.Authenticate(http.Request)?.UserId;
        }

        Assert.Equal("header", User($"Bearer {header}", cookie));
        Assert.Equal("header", User($"bearer {header}", null));
        Assert.Equal("cookie", User(null, cookie));
        Assert.Null(User("Basic abc", cookie));
        Assert.Null(User("Bearer nonsense", cookie));
        Assert.Null(User(null, null));
    }

    [Fact]
    public async Task The_key_comes_from_the_secret_store_before_requests_do()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var asked = 0;
        sidecar.Answer = async http =>
        {
            // The first time the store is not there yet.
            http.Response.StatusCode = Interlocked.Increment(ref asked) == 1 ? 500 : 200;
            await http.Response.WriteAsJsonAsync(new Dictionary<string, string> { [IdentityTokens.KeyName] = Key });
        };
        await using var service = await TestService.StartAsync(
            _ => { }, builder => builder.Services.AddIdentityTokens(),
            settings: ("DAPR_HTTP_ENDPOINT", sidecar.Address));

        var tokens = service.App.Services.GetRequiredService<IdentityTokens>();

        Assert.Equal("u", tokens.Verify(tokens.Issue("u", TimeSpan.FromHours(1)))?.UserId);
        Assert.Equal(2, asked);
        Assert.All(sidecar.Requests, request => Assert.Equal($"/v1.0/secrets/secrets/{IdentityTokens.KeyName}", request.Target));
    }
}
