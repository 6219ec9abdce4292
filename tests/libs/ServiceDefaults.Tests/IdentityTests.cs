using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests;

public sealed class IdentityTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly VerificationKeys _keys = new();
    private readonly TokenVerifier _verifier;

    public IdentityTests()
    {
        _keys.Use(new JsonWebKeySet([TestTokens.Key.ToPublic()]));
        _verifier = new TokenVerifier(_keys, _time, Options.Create(new IdentityOptions()));
    }

    [Fact]
    public void A_token_of_auth_is_accepted_until_it_expires()
    {
        var token = TestTokens.Of("user-1", TimeSpan.FromMinutes(1), _time.GetUtcNow());

        Assert.Equal(TokenFailure.None, _verifier.VerifyAccess(token, out var identity));
        Assert.Equal("user-1", identity!.UserId);
        _time.Advance(TimeSpan.FromSeconds(66));
        Assert.Equal(TokenFailure.Expired, _verifier.VerifyAccess(token, out _));
    }
}
