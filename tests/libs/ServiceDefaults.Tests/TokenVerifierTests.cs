using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>The attacks of RFC 8725 and OWASP ASVS 9.1 and 9.2 on tokens, on keys of both algorithms.</summary>
public sealed class TokenVerifierTests
{
    private static readonly SigningKey Rsa = SigningKey.Create("rsa", TokenAlgorithms.Rs256);
    private static readonly SigningKey Ec = SigningKey.Create("ec", TokenAlgorithms.Es256);

    private readonly ManualTimeProvider _time = new();
    private readonly VerificationKeys _keys = new();
    private readonly TokenVerifier _verifier;

    public TokenVerifierTests()
    {
        _keys.Use(new JsonWebKeySet([Rsa.ToPublic(), Ec.ToPublic()]));
        _verifier = new TokenVerifier(_keys, _time, Options.Create(new IdentityOptions()));
    }

    public static TheoryData<string> Algorithms => [TokenAlgorithms.Rs256, TokenAlgorithms.Es256];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_token_is_valid_from_nbf_to_exp_with_the_leeway_of_clocks(string algorithm)
    {
        var token = TokenWriter.Write(KeyOf(algorithm), TokenTypes.Access, TestTokens.Claims("user-1", TimeSpan.FromMinutes(1), _time.GetUtcNow()) with { Scope = "a  b" });

        Assert.Equal(TokenFailure.None, _verifier.VerifyAccess(token, out var identity));
        Assert.Equal(("user-1", "guest", "user", _time.GetUtcNow().AddMinutes(1)), (identity!.UserId, identity.Provider, identity.RolesText, identity.ExpiresAt));
        Assert.Equal(["a", "b"], identity.Scopes!);
        _time.Advance(TimeSpan.FromSeconds(64));
        Assert.Equal(TokenFailure.None, Check(token));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TokenFailure.Expired, Check(token));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void A_change_of_any_character_is_noticed(string algorithm)
    {
        var key = KeyOf(algorithm);
        var token = TokenForger.Sign(key, TokenForger.Header(key), TokenForger.Claims);
        Assert.Equal(TokenFailure.None, Check(token));

        for (var i = 0; i < token.Length; i++)
        {
            Assert.Equal(TokenFailure.Invalid, Check(token[..i] + (token[i] == 'A' ? 'B' : 'A') + token[(i + 1)..]));
            Assert.Equal(TokenFailure.Invalid, Check(token.Remove(i, 1)));
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    [InlineData("nOnE")]
    [InlineData("")]
    [InlineData("HS256")]
    [InlineData("HS512")]
    [InlineData("RS512")]
    [InlineData("PS256")]
    [InlineData("rs256")]
    [InlineData("ES384")]
    [InlineData("RS256 ")]
    public void Other_algorithms_are_refused_unsigned_and_signed(string algorithm)
    {
        foreach (var key in new[] { Rsa, Ec })
        {
            var header = TokenForger.Header(key, algorithm: algorithm);
            Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(key, header, TokenForger.Claims)));
            Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(header, TokenForger.Claims, _ => [])));
            Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(header, TokenForger.Claims, _ => [0])));
        }
    }

    /// <summary>The public key is no secret: a verifier that obeyed the header would take it for one (RFC 8725 §2.1).</summary>
    [Fact]
    public void The_public_key_is_not_a_secret_to_sign_with()
    {
        foreach (var key in new[] { Rsa, Ec })
        {
            var jwk = key.ToPublic();
            byte[][] secrets =
            [
                Encoding.UTF8.GetBytes(JsonSerializer.Serialize(jwk, TandemJson.Options)), Base64Url.DecodeFromChars(jwk.N ?? jwk.X), Encoding.UTF8.GetBytes(Pem(key)), [],
            ];
            foreach (var secret in secrets)
            {
                foreach (var algorithm in new[] { "HS256", key.Algorithm })
                {
                    var token = TokenForger.Sign(TokenForger.Header(key, algorithm: algorithm), TokenForger.Claims, data => HMACSHA256.HashData(secret, data));
                    Assert.Equal(TokenFailure.Invalid, Check(token));
                }
            }
        }
    }

    [Fact]
    public void A_key_is_used_for_its_own_algorithm_alone()
    {
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, TokenForger.Header(Rsa, algorithm: "ES256"), TokenForger.Claims)));
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Ec, TokenForger.Header(Ec, algorithm: "RS256"), TokenForger.Claims)));
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, TokenForger.Header(Ec), TokenForger.Claims)));
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Ec, TokenForger.Header(Rsa), TokenForger.Claims)));
    }

    [Theory]
    [InlineData("../../rsa")]
    [InlineData("/dev/null")]
    [InlineData("http://127.0.0.1/key")]
    [InlineData("rsa' or '1'='1")]
    [InlineData("rsa ")]
    [InlineData("RSA")]
    [InlineData("ec")]
    [InlineData("other")]
    [InlineData("")]
    public void The_key_id_is_a_name_and_nothing_else(string keyId)
    {
        var asked = new List<string>();
        _keys.Unknown += asked.Add;

        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, TokenForger.Header(Rsa, keyId: keyId), TokenForger.Claims)));
        Assert.Equal(keyId == "ec" ? [] : [keyId], asked);
    }

    [Fact]
    public void A_key_of_somebody_else_with_our_name_is_refused()
    {
        using var other = SigningKey.Create("rsa", TokenAlgorithms.Rs256);

        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(other, TokenForger.Header(other), TokenForger.Claims)));
    }

    [Theory]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","jku":"https://evil.example/jwks.json"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","x5u":"https://evil.example/chain.pem"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","jwk":{"kty":"RSA","n":"AQAB","e":"AQAB"}}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","x5c":["MII"]}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","crit":["exp"]}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","b64":false}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa","zip":"DEF"}""")]
    [InlineData("""{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"rsa"}""")]
    [InlineData("""{"alg":"RS256","typ":"rt+jwt","typ":"at+jwt","kid":"rsa"}""")]
    [InlineData("""{"Alg":"RS256","typ":"at+jwt","kid":"rsa"}""")]
    [InlineData("""{"alg":"RS256","typ":"JWT","kid":"rsa"}""")]
    [InlineData("""{"alg":"RS256","typ":"AT+JWT","kid":"rsa"}""")]
    [InlineData("""{"alg":"RS256","kid":"rsa"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt"}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":null}""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":1}""")]
    [InlineData("""{"alg":["RS256"],"typ":"at+jwt","kid":"rsa"}""")]
    [InlineData("""[]""")]
    [InlineData("""null""")]
    [InlineData("""{"alg":"RS256","typ":"at+jwt","kid":"rsa"} {}""")]
    [InlineData("")]
    public void Other_headers_are_refused_even_when_signed(string header) =>
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, header, TokenForger.Claims)));

    [Theory]
    [InlineData("\"iss\":\"tandem\"", "\"iss\":\"other\"")]
    [InlineData("\"iss\":\"tandem\"", "\"iss\":\"Tandem\"")]
    [InlineData("\"iss\":\"tandem\"", "\"iss\":[\"tandem\"]")]
    [InlineData("\"iss\":\"tandem\",", "")]
    [InlineData("\"aud\":\"api\"", "\"aud\":\"refresh\"")]
    [InlineData("\"aud\":\"api\"", "\"aud\":[\"api\",\"other\"]")]
    [InlineData("\"aud\":\"api\"", "\"aud\":\"api \"")]
    [InlineData("\"aud\":\"api\",", "")]
    [InlineData("\"sub\":\"u\"", "\"sub\":\"\"")]
    [InlineData("\"sub\":\"u\"", "\"sub\":null")]
    [InlineData("\"sub\":\"u\"", "\"sub\":{\"sub\":\"u\"}")]
    [InlineData("\"sub\":\"u\"", "\"sub\":\"u\",\"sub\":\"admin\"")]
    [InlineData("\"sub\":\"u\"", "\"SUB\":\"u\"")]
    [InlineData("\"sid\":\"s\"", "\"sid\":\"\"")]
    [InlineData("\"sid\":\"s\",", "")]
    [InlineData("\"jti\":\"j\"", "\"jti\":\"\"")]
    [InlineData("\"jti\":\"j\",", "")]
    [InlineData("\"exp\":1767229200,", "")]
    [InlineData("\"exp\":1767229200", "\"exp\":\"1767229200\"")]
    [InlineData("\"exp\":1767229200", "\"exp\":1767229200.5")]
    [InlineData("\"exp\":1767229200", "\"exp\":1e400")]
    [InlineData("\"exp\":1767229200", "\"exp\":null")]
    [InlineData("\"exp\":1767229200", "\"exp\":9223372036854775807")]
    [InlineData("\"exp\":1767229200", "\"exp\":9223372036854775808")]
    [InlineData("\"exp\":1767229200", "\"exp\":253402300800")]
    [InlineData("\"exp\":1767229200", "\"exp\":-1")]
    [InlineData("\"exp\":1767229200", "\"exp\":-9223372036854775808")]
    [InlineData("\"exp\":1767229200", "\"exp\":1767229200,\"exp\":1767229201")]
    [InlineData("\"nbf\":1767225600", "\"nbf\":1767225606")]
    [InlineData("\"nbf\":1767225600", "\"nbf\":9223372036854775807")]
    [InlineData("\"iat\":1767225600", "\"iat\":1767225606")]
    [InlineData("\"iat\":1767225600", "\"iat\":253402300799")]
    [InlineData("\"iat\":1767225600", "\"iat\":-1")]
    [InlineData("\"roles\":[\"user\"]", "\"roles\":\"admin\"")]
    [InlineData("\"roles\":[\"user\"]", "\"roles\":[[[[[[[\"user\"]]]]]]]")]
    [InlineData("\"roles\":[\"user\"]", "\"new\":[[[[[[[1]]]]]]]")]
    public void Other_claims_are_refused_even_when_signed(string claim, string changed)
    {
        Assert.Contains(claim, TokenForger.Claims, StringComparison.Ordinal);

        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, TokenForger.Header(Rsa), TokenForger.Claims.Replace(claim, changed, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("\"nbf\":1767225600", "\"nbf\":1767225605")]
    [InlineData("\"iat\":1767225600", "\"iat\":1767225605")]
    [InlineData("\"exp\":1767229200", "\"exp\":253402300799")]
    [InlineData("\"roles\":[\"user\"]", "\"new_claim\":{\"of\":[\"a later version\"]}")]
    [InlineData(",\"roles\":[\"user\"]", "")]
    public void Claims_within_the_rules_are_accepted(string claim, string changed) =>
        Assert.Equal(TokenFailure.None, Check(TokenForger.Sign(Rsa, TokenForger.Header(Rsa), TokenForger.Claims.Replace(claim, changed, StringComparison.Ordinal))));

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"u\"")]
    [InlineData("not json")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("\u0000")]
    public void Other_payloads_are_refused_even_when_signed(string payload) =>
        Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(Rsa, TokenForger.Header(Rsa), payload)));

    [Fact]
    public void A_refresh_token_is_no_access_token_and_the_other_way_round()
    {
        var claims = TestTokens.Claims("u", now: _time.GetUtcNow());
        var refresh = TokenWriter.Write(Rsa, TokenTypes.Refresh, claims with { Aud = TokenTypes.RefreshAudience });

        Assert.Equal(TokenFailure.Invalid, Check(refresh));
        Assert.Equal(TokenFailure.Invalid, Check(TokenWriter.Write(Rsa, TokenTypes.Refresh, claims)));
        Assert.Equal(TokenFailure.Invalid, Check(TokenWriter.Write(Rsa, TokenTypes.Access, claims with { Aud = TokenTypes.RefreshAudience })));
        Assert.Equal(TokenFailure.None, _verifier.Verify(refresh, TokenTypes.Refresh, TokenTypes.RefreshAudience, out _));
        var access = TokenWriter.Write(Rsa, TokenTypes.Access, claims);
        Assert.Equal(TokenFailure.Invalid, _verifier.Verify(access, TokenTypes.Refresh, TokenTypes.RefreshAudience, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b")]
    [InlineData("a.b.c.d")]
    [InlineData("사과.사과.사과")]
    [InlineData("%00.%00.%00")]
    public void Other_forms_are_refused(string token) => Assert.Equal(TokenFailure.Invalid, Check(token));

    /// <summary>One token has one spelling: whoever compares tokens as text, or hashes them, must not be led astray.</summary>
    [Fact]
    public void Other_spellings_of_a_valid_token_are_refused()
    {
        var token = TokenForger.Sign(Rsa, TokenForger.Header(Rsa), TokenForger.Claims);
        var parts = token.Split('.');
        string[] spellings =
        [
            token + "=", token + "==", token + "%", token + " ", token + "\n", " " + token, token + ".", "." + token, token + "." + parts[2],
            $"{parts[0]}..{parts[2]}", $"{parts[0]}=.{parts[1]}.{parts[2]}", $"{parts[0]}. {parts[1]}.{parts[2]}", $"{parts[0]}.{parts[1]}.", $".{parts[1]}.{parts[2]}",
            token.Replace('-', '+').Replace('_', '/'), $"{parts[0]}.{parts[1]}.{parts[2]}A", $"{parts[0]}.{parts[1]}.{parts[2]}AAAA", token + "\u0100", token[..^1] + (char)(token[^1] + 0x100),
        ];

        Assert.All(spellings.Where(spelling => spelling != token), spelling => Assert.Equal(TokenFailure.Invalid, Check(spelling)));
    }

    [Fact]
    public void Oversized_tokens_are_refused()
    {
        var claims = TestTokens.Claims(new string('u', 5_000), now: _time.GetUtcNow());

        Assert.Equal(TokenFailure.Invalid, Check(TokenWriter.Write(Rsa, TokenTypes.Access, claims)));
        Assert.Equal(TokenFailure.Invalid, Check(new string('a', 10_000_000)));
        Assert.Equal(TokenFailure.None, Check(TokenWriter.Write(Rsa, TokenTypes.Access, claims with { Sub = new string('u', 2_000) })));
    }

    [Fact]
    public void Signatures_have_the_one_length_and_form_of_their_algorithm()
    {
        // DER, as OpenSSL writes ECDSA signatures; half; doubled; zero, which a careless curve accepts for everything (CVE-2022-21449).
        using var ec = ECDsa.Create();
        ec.ImportPkcs8PrivateKey(Ec.ExportPkcs8(), out _);
        var header = TokenForger.Header(Ec);
        Func<byte[], byte[]>[] forms =
        [
            data => ec.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), data => Ec.Sign(data)[..63], data => Ec.Sign(data)[..32],
            data => [.. Ec.Sign(data), 0], data => [0, .. Ec.Sign(data)], data => [.. Ec.Sign(data), .. Ec.Sign(data)], _ => new byte[64], _ => [],
            data => ec.SignData(data, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
        ];
        Assert.All(forms, form => Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(header, TokenForger.Claims, form))));

        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(Rsa.ExportPkcs8(), out _);
        forms =
        [
            data => rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), data => rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            data => Rsa.Sign(data)[..255], data => [0, .. Rsa.Sign(data)], data => [.. Rsa.Sign(data), 0], _ => new byte[256], _ => [],
        ];
        Assert.All(forms, form => Assert.Equal(TokenFailure.Invalid, Check(TokenForger.Sign(TokenForger.Header(Rsa), TokenForger.Claims, form))));
    }

    [Fact]
    public void Before_the_keys_are_known_no_token_is_judged()
    {
        var verifier = new TokenVerifier(new VerificationKeys(), _time, Options.Create(new IdentityOptions()));

        Assert.Equal(TokenFailure.Unavailable, verifier.VerifyAccess(TokenForger.Sign(Rsa, TokenForger.Header(Rsa), TokenForger.Claims), out _));
    }

    [Fact]
    public void Keys_of_other_kinds_are_passed_over_and_what_is_known_stays_when_none_is_left()
    {
        JsonWebKey[] others =
        [
            new() { KeyType = "oct", Algorithm = "HS256", KeyId = "secret" }, Rsa.ToPublic() with { Use = "enc" }, Rsa.ToPublic() with { Algorithm = "none" },
            Ec.ToPublic() with { Curve = "P-521" }, Ec.ToPublic() with { KeyType = "RSA" }, Rsa.ToPublic() with { N = null },
        ];
        _keys.Use(new JsonWebKeySet([.. others, Ec.ToPublic()]));
        Assert.Null(_keys.Find("rsa"));
        Assert.NotNull(_keys.Find("ec"));

        Assert.Throws<ArgumentException>(() => _keys.Use(new JsonWebKeySet(others)));
        Assert.Throws<ArgumentException>(() => _keys.Use(new JsonWebKeySet([])));
        using var weak = RSA.Create(1024);
        var modulus = Base64Url.EncodeToString(weak.ExportParameters(false).Modulus);
        Assert.Throws<CryptographicException>(() => _keys.Use(new JsonWebKeySet([Rsa.ToPublic() with { N = modulus }])));
        Assert.NotNull(_keys.Find("ec"));
    }

    [Fact]
    public void A_new_key_under_a_known_name_replaces_the_old_one()
    {
        using var next = SigningKey.Create("rsa", TokenAlgorithms.Rs256);
        var (old, token) = (TokenForger.Sign(Rsa, TokenForger.Header(Rsa), TokenForger.Claims), TokenForger.Sign(next, TokenForger.Header(next), TokenForger.Claims));

        _keys.Use(new JsonWebKeySet([next.ToPublic()]));

        Assert.Equal((TokenFailure.Invalid, TokenFailure.None), (Check(old), Check(token)));
    }

    private static SigningKey KeyOf(string algorithm) => algorithm == TokenAlgorithms.Rs256 ? Rsa : Ec;

    private static string Pem(SigningKey key)
    {
        using AsymmetricAlgorithm algorithm = key == Rsa ? RSA.Create() : ECDsa.Create();
        algorithm.ImportPkcs8PrivateKey(key.ExportPkcs8(), out _);
        return algorithm.ExportSubjectPublicKeyInfoPem();
    }

    private TokenFailure Check(string token)
    {
        var failure = _verifier.VerifyAccess(token, out var identity);
        Assert.Equal(failure == TokenFailure.None, identity is not null);
        return failure;
    }
}
