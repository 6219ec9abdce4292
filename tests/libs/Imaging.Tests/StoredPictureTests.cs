namespace Imaging.Tests;

/// <summary>Stored files of <see cref="TestPictures.Synthetic"/> in many variants, so that nothing needs to be installed.</summary>
public sealed class StoredPictureTests
{
    public static TheoryData<string> Files => [.. TestPictures.Stored.Keys.Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Shows_the_picture_that_was_encoded(string name)
    {
        var picture = ImageDecoder.Decode(TestPictures.Stored[name]);
        var info = ImageDecoder.Identify(TestPictures.Stored[name]);

        Assert.Equal((picture.Width, picture.Height), (info.Width, info.Height));
        Assert.Equal(name.EndsWith(".png", StringComparison.Ordinal) ? "image/png" : "image/jpeg", info.MediaType);
        var expected = TestPictures.Synthetic(picture.Width, picture.Height);
        if (name.Contains("grey", StringComparison.Ordinal))
        {
            ToGrey(expected);
        }

        Assert.InRange(TestPictures.Difference(expected, picture).Mean, 0, info.MediaType == "image/png" ? 0 : 9);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Decodes_smaller_like_it_resizes(string name)
    {
        var full = ImageDecoder.Decode(TestPictures.Stored[name]);
        var half = ImageDecoder.Decode(TestPictures.Stored[name], new DecodeOptions { TargetMinSide = Math.Min(full.Width, full.Height) / 2 });

        Assert.Equal(((full.Width + 1) / 2, (full.Height + 1) / 2), (half.Width, half.Height));
        Assert.InRange(TestPictures.Difference(full.Resize(half.Width, half.Height), half).Mean, 0, 6);
    }

    [Fact]
    public void Png_survives_encoding_and_decoding()
    {
        var picture = TestPictures.Synthetic(37, 23);
        Assert.Equal(picture.Pixels, ImageDecoder.Decode(PngEncoder.Encode(picture)).Pixels);
    }

    private static void ToGrey(Bitmap picture)
    {
        for (int i = 0; i < picture.Pixels.Length; i += 3)
        {
            var pixel = picture.Pixels.Slice(i, 3);
            pixel.Fill((byte)((0.299 * pixel[0]) + (0.587 * pixel[1]) + (0.114 * pixel[2]) + 0.5));
        }
    }
}
