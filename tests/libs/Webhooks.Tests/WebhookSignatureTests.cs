using System.Text;

namespace Webhooks.Tests;

public sealed class WebhookSignatureTests
{
    // The example of Standard Webhooks 1.0.0.
    private const string Id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    private const string Signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    private static readonly DateTimeOffset Sent = DateTimeOffset.FromUnixTimeSeconds(1614265330);
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");
    private static readonly WebhookSecret Secret = WebhookSecret.Parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    [Fact]
    public void Signs_as_the_specification_s_example() => Assert.Equal(Signature, WebhookSignature.Sign(Id, Sent, Body, Secret));

    [Fact]
    public void Both_secrets_of_a_rotation_sign()
    {
        var next = WebhookSecret.Generate();

        var signatures = WebhookSignature.Sign(Id, Sent, Body, next, Secret);

        Assert.Equal([WebhookSignature.Sign(Id, Sent, Body, next), Signature], signatures.Split(' '));
        Assert.Equal(WebhookVerdict.Genuine, Judge(signatures, secrets: [Secret]));
        Assert.Equal(WebhookVerdict.Genuine, Judge(signatures, secrets: [next]));
        Assert.Equal(WebhookVerdict.Genuine, Judge(Signature, secrets: [next, Secret]));
        Assert.Equal(WebhookVerdict.SignatureWrong, Judge(signatures, secrets: [WebhookSecret.Generate()]));
    }

    [Theory]
    [InlineData("id.with.dots")]
    [InlineData("")]
    public void An_id_that_would_blur_what_is_signed_is_refused(string id) =>
        Assert.Throws<ArgumentException>(() => WebhookSignature.Sign(id, Sent, Body, Secret));

    [Fact]
    public void No_secret_signs_nothing() => Assert.Throws<ArgumentException>(() => WebhookSignature.Sign(Id, Sent, Body));

    [Theory]
    [InlineData(0, WebhookVerdict.Genuine)]
    [InlineData(300, WebhookVerdict.Genuine)]
    [InlineData(-300, WebhookVerdict.Genuine)]
    [InlineData(301, WebhookVerdict.OutsideTolerance)]
    [InlineData(-301, WebhookVerdict.OutsideTolerance)]
    public void A_message_is_good_for_five_minutes(int secondsLater, WebhookVerdict verdict) =>
        Assert.Equal(verdict, Judge(Signature, at: Sent.AddSeconds(secondsLater)));

    [Theory]
    [InlineData("", "1614265330", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(null, "1614265330", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "soon", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "-1614265330", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "+1614265330", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, " 1614265330", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "9223372036854775807", Signature, WebhookVerdict.OutsideTolerance)]
    [InlineData(Id, "92233720368547758070", Signature, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "1614265330", null, WebhookVerdict.HeadersMissing)]
    [InlineData(Id, "1614265330", "", WebhookVerdict.HeadersMissing)]
    [InlineData("msg_other", "1614265330", Signature, WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265331", Signature, WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "01614265330", Signature, WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "v1,", WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "v1,%%%", WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ", WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookVerdict.SignatureWrong)]
    [InlineData(Id, "1614265330", "v1a,abc v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", WebhookVerdict.Genuine)]
    public void Headers_are_taken_as_they_are_written(string? id, string? timestamp, string? signature, WebhookVerdict verdict) =>
        Assert.Equal(verdict, new WebhookVerifier([Secret], time: Clock(Sent)).Verify(id, timestamp, signature, Body));

    [Fact]
    public void Every_changed_byte_of_the_body_is_noticed()
    {
        var verifier = new WebhookVerifier([Secret], time: Clock(Sent));
        for (var at = 0; at < Body.Length; at++)
        {
            byte[] changed = [.. Body];
            changed[at] ^= 1;
            Assert.Equal(WebhookVerdict.SignatureWrong, verifier.Verify(Id, WebhookSignature.Text(Sent), Signature, changed));
        }
    }

    [Fact]
    public void The_original_header_is_hex_over_time_and_body()
    {
        var header = OriginalSignature.Sign(Sent, Body, Secret);

        Assert.StartsWith("t=1614265330,v1=", header, StringComparison.Ordinal);
        // By openssl: printf '1614265330.{"test": 2432232314}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:…
        Assert.EndsWith("e96203c6de850e7dc1fde7489ef6140b402d3a5a64fe250cd2eef9830fac1cef", header, StringComparison.Ordinal);
    }

    private static WebhookVerdict Judge(string signatures, WebhookSecret[]? secrets = null, DateTimeOffset? at = null) =>
        new WebhookVerifier(secrets ?? [Secret], time: Clock(at ?? Sent)).Verify(Id, WebhookSignature.Text(Sent), signatures, Body);

    private static TimeProvider Clock(DateTimeOffset now) => new StoppedClock(now);

    private sealed class StoppedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
