using System.Text;

namespace Imaging.Tests;

/// <summary>What a PNG file says of itself.</summary>
public sealed class PngTextTests
{
    [Fact]
    public void Stands_in_the_file_and_does_not_change_the_picture()
    {
        var picture = new Bitmap(5, 3);
        picture.Pixels.Fill(77);

        var file = PngEncoder.Encode(picture, texts: [("Software", "Tandem"), ("Comment", "déjà vu\nline")]);

        var text = Encoding.Latin1.GetString(file);
        Assert.Contains("tEXtSoftware\0Tandem", text);
        Assert.Contains("tEXtComment\0déjà vu\nline", text);
        Assert.Equal(picture.Pixels.ToArray(), ImageDecoder.Decode(file).Pixels.ToArray());
    }

    [Theory]
    [InlineData("", "x")]
    [InlineData(" lead", "x")]
    [InlineData("key\0word", "x")]
    [InlineData("한글", "x")]
    [InlineData("key", "한글")]
    [InlineData("key", "a\0b")]
    [InlineData("an endless keyword of more than seventy-nine characters, which no PNG reader has to take", "x")]
    public void Must_be_what_the_format_can_hold(string keyword, string text) =>
        Assert.Throws<ArgumentException>(() => PngEncoder.Encode(new Bitmap(1, 1), texts: [(keyword, text)]));
}
