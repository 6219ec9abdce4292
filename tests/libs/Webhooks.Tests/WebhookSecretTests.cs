namespace Webhooks.Tests;

public sealed class WebhookSecretTests
{
    [Fact]
    public void A_new_secret_is_read_again()
    {
        var secret = WebhookSecret.Generate().Reveal();

        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        Assert.Equal(secret, WebhookSecret.Parse(secret).Reveal());
        Assert.Equal(secret, WebhookSecret.Parse(secret["whsec_".Length..]).Reveal());
    }

    [Fact]
    public void It_does_not_print_itself() => Assert.Equal("whsec_…", WebhookSecret.Generate().ToString());

    [Theory]
    [InlineData(23, false)]
    [InlineData(24, true)]
    [InlineData(64, true)]
    [InlineData(65, false)]
    [InlineData(200, false)]
    public void It_has_24_to_64_bytes(int bytes, bool taken) =>
        Assert.Equal(taken, WebhookSecret.TryParse("whsec_" + Convert.ToBase64String(new byte[bytes]), out _));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("whsec_")]
    [InlineData("whsec_not base64, but long enough for a secret")]
    public void Anything_else_is_refused_without_being_repeated(string? text)
    {
        Assert.False(WebhookSecret.TryParse(text, out _));
        var refused = Assert.Throws<FormatException>(() => WebhookSecret.Parse(text!));
        Assert.DoesNotContain("not base64, but", refused.Message, StringComparison.Ordinal);
    }
}
