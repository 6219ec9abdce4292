using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>The check of requests, with what it remembers.</summary>
public sealed class RequestTokensTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly VerificationKeys _keys = new();
    private readonly RevokedTokens _revoked = new();
    private readonly IOptions<IdentityOptions> _options = Options.Create(new IdentityOptions { VerifiedTokens = 8 });
    private readonly VerifiedTokens _tokens;
    private readonly RequestTokens _check;

    public RequestTokensTests()
    {
        _keys.Use(new JsonWebKeySet([TestTokens.Key.ToPublic()]));
        _tokens = new VerifiedTokens(new TokenVerifier(_keys, _time, _options), _keys, _time, _options);
        _check = new RequestTokens(_tokens, _revoked, new IdentityCookies(_options, new HostingEnvironment { EnvironmentName = "Development" }, _time));
    }

    [Fact]
    public void Requests_authenticate_by_header_else_cookie()
    {
        var (header, cookie) = (Token("header"), Token("cookie"));

        Assert.Equal(("header", false), User($"Bearer {header}", cookie));
        Assert.Equal(("header", false), User($"bearer {header}", null));
        Assert.Equal(("cookie", true), User(default, cookie));
        // Somebody who gives a header is not taken for the one whose cookie it is.
        Assert.Equal((null, false), User("Basic abc", cookie));
        Assert.Equal((null, false), User("Bearer nonsense", cookie));
        Assert.Equal((null, false), User("Bearer", cookie));
        Assert.Equal((null, false), User(new[] { $"Bearer {header}", "Bearer other" }, cookie));
        Assert.Equal((null, false), User(default, null));
    }

    [Fact]
    public void A_remembered_token_ends_with_its_time()
    {
        var token = Token("u", TimeSpan.FromMinutes(1));

        Assert.Equal(TokenFailure.None, Check(token));
        _time.Advance(TimeSpan.FromSeconds(64));
        Assert.Equal(TokenFailure.None, Check(token));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TokenFailure.Expired, Check(token));
    }

    [Fact]
    public void A_remembered_token_ends_with_its_key()
    {
        var token = Token("u");
        Assert.Equal(TokenFailure.None, Check(token));

        using var next = SigningKey.Create("next", TokenAlgorithms.Es256);
        _keys.Use(new JsonWebKeySet([TestTokens.Key.ToPublic(), next.ToPublic()]));
        Assert.Equal(TokenFailure.None, Check(token));
        _keys.Use(new JsonWebKeySet([next.ToPublic()]));
        Assert.Equal(TokenFailure.Invalid, Check(token));
        using var same = SigningKey.Create(TestTokens.Key.KeyId, TokenAlgorithms.Es256);
        _keys.Use(new JsonWebKeySet([same.ToPublic()]));
        Assert.Equal(TokenFailure.Invalid, Check(token));
    }

    [Fact]
    public void Revocation_is_asked_with_every_request()
    {
        var token = Token("u");
        Assert.Equal(TokenFailure.None, Check(token));
        Assert.Equal(TokenFailure.None, _tokens.VerifyAccess(token, out var identity));

        _revoked.Add(identity!.SessionId, identity.ExpiresAt);

        Assert.Equal(TokenFailure.Revoked, Check(token));
    }

    [Fact]
    public void A_hit_gives_the_same_identity_and_no_tampered_token_hits()
    {
        var token = Token("u");
        Assert.Equal(TokenFailure.None, _tokens.VerifyAccess(token, out var first));
        Assert.Equal(TokenFailure.None, _tokens.VerifyAccess(token, out var again));
        Assert.Same(first, again);

        for (var i = 0; i < token.Length; i++)
        {
            Assert.Equal(TokenFailure.Invalid, _tokens.VerifyAccess(token[..i] + (token[i] == 'A' ? 'B' : 'A') + token[(i + 1)..], out var identity));
            Assert.Null(identity);
        }

        Assert.Equal(TokenFailure.Invalid, _tokens.VerifyAccess(new string('a', 100_000), out _));
    }

    [Fact]
    public void What_is_asked_for_is_remembered_and_the_number_is_bounded()
    {
        var token = Token("u");
        Assert.Equal(TokenFailure.None, _tokens.VerifyAccess(token, out var first));
        Identity.Identity? oldest = null;
        var other = Token("other");
        _tokens.VerifyAccess(other, out oldest);

        // More than are remembered; one of them is used all the time.
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(TokenFailure.None, _tokens.VerifyAccess(Token($"u{i}"), out _));
            _tokens.VerifyAccess(token, out var again);
            Assert.Same(first, again);
        }

        _tokens.VerifyAccess(other, out var forgotten);
        Assert.NotSame(oldest, forgotten);
    }

    [Fact]
    public void A_hit_allocates_nothing()
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Authorization = $"Bearer {Token("u")}";
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(TokenFailure.None, _check.Check(http.Request).Failure);
        }

        var bytes = Allocated.Least(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                _check.Check(http.Request);
            }
        });
        Assert.InRange(bytes / 1000, 0, 64);
    }

    private string Token(string user, TimeSpan? lifetime = null) => TestTokens.Of(user, lifetime, _time.GetUtcNow());

    private TokenFailure Check(string token)
    {
        var http = new DefaultHttpContext();
        http.Request.Headers.Authorization = $"Bearer {token}";
        return _check.Check(http.Request).Failure;
    }

    private (string? User, bool ByCookie) User(Microsoft.Extensions.Primitives.StringValues authorization, string? cookie)
    {
        var http = new DefaultHttpContext();
        if (authorization.Count > 0)
        {
            http.Request.Headers.Authorization = authorization;
        }

        if (cookie is not null)
        {
            http.Request.Headers.Cookie = $"s_access={cookie}";
        }

        var check = _check.Check(http.Request);
        return (check.Identity?.UserId, check.ByCookie);
    }
}
