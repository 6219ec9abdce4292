namespace Ai.Tests.Limits;

public sealed class PiiMaskTests
{
    [Theory]
    [InlineData("write to kim.chulsoo+work@example.co.kr now", "write to [e-mail] now")]
    [InlineData("전화 010-1234-5678로", "전화 [phone]로")]
    [InlineData("call 01012345678, +82 10-1234-5678 or 02-123-4567", "call [phone], [phone] or [phone]")]
    [InlineData("031-123-4567 and 070-1234-5678", "[phone] and [phone]")]
    [InlineData("주민번호 900101-1234567 입니다", "주민번호 [resident number] 입니다")]
    [InlineData("9001011234567", "[resident number]")]
    [InlineData("card 4111 1111 1111 1111, 5500-0000-0000-0004", "card [card], [card]")]
    [InlineData("Incorrect API key provided: sk-proj-abcdefgh12345678.", "Incorrect API key provided: [key].")]
    [InlineData("Incorrect API key provided: sk-ab***************wxyz.", "Incorrect API key provided: [key].")]
    [InlineData("Authorization: Bearer abcdef.ghijkl-123", "Authorization: Bearer [key]")]
    [InlineData("x-goog-api-key=AIzaSyA1234567890abcdefghijklmnopqrstuv&alt=sse", "x-goog-api-key=[key]&alt=sse")]
    [InlineData("""{"api_key":"0123456789abcdef"}""", """{"api_key":"[key]"}""")]
    [InlineData("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMe", "[key]")]
    public void Masks_what_points_to_a_person_or_opens_a_door(string text, string masked) =>
        Assert.Equal(masked, PiiMask.Mask(text));

    [Theory]
    [InlineData("")]
    [InlineData("the model gave no answer within 00:01:00")]
    [InlineData("supported: openai/gpt-5.2, gemini/gemini-3-flash-preview-2026-11-21")]
    [InlineData("order 4111 1111 1111 1112 of 2026-01-02T03:04:05Z")]
    [InlineData("job 0199c2f4-5a6b-7c8d-9e0f-010123456789 took 123456 tokens")]
    [InlineData("http://127.0.0.1:11434/v1 refused; a token is 4 bytes")]
    public void Leaves_everything_else(string text) => Assert.Equal(text, PiiMask.Mask(text));

    [Fact]
    public void Is_on_the_way_of_every_error_of_a_model() =>
        Assert.Equal("401: bad key [key]", new ModelException(ModelFailure.Unauthorized, "401: bad key sk-abcdefghijklmnop").Message);

    [Fact]
    public void Takes_long_on_no_text() =>
        Assert.All(new[] { new string('1', 200_000), new string('a', 200_000), string.Concat(Enumerable.Repeat("a.", 100_000)) }, text => Assert.Equal(text.Length, PiiMask.Mask(text).Length));
}
