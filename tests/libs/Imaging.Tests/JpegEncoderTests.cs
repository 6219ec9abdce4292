namespace Imaging.Tests;

public sealed class JpegEncoderTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(15, 17)]
    [InlineData(64, 48)]
    [InlineData(133, 97)]
    public void Writes_what_it_and_others_can_read(int width, int height)
    {
        var picture = Smooth(width, height);
        byte[] jpeg = JpegEncoder.Encode(picture, 95);
        Assert.InRange(TestPictures.Difference(picture, ImageDecoder.Decode(jpeg)).Mean, 0, 4);
        Assert.SkipWhen(TurboJpeg.Missing is not null, TurboJpeg.Missing ?? "");
        Assert.InRange(TestPictures.Difference(TurboJpeg.Decode(jpeg), ImageDecoder.Decode(jpeg)).Mean, 0, 0.2);
    }

    [Fact]
    public void Writes_smaller_files_at_lower_quality()
    {
        var picture = TestPictures.Synthetic(160, 120);
        int[] sizes = [.. new[] { 1, 25, 50, 75, 100 }.Select(q => JpegEncoder.Encode(picture, q).Length)];
        Assert.Equal(sizes.Order(), sizes);
        Assert.Equal(sizes.Length, sizes.Distinct().Count());
    }

    [Fact]
    public void Refuses_what_the_format_cannot_express()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegEncoder.Encode(new Bitmap(JpegEncoder.MaxSide + 1, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegEncoder.Encode(new Bitmap(1, 1), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => JpegEncoder.Encode(new Bitmap(1, 1), 101));
    }

    private static Bitmap Smooth(int width, int height)
    {
        var bitmap = new Bitmap(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var pixel = bitmap.Row(y).Slice(x * 3, 3);
                pixel[0] = (byte)(x * 200 / width);
                pixel[1] = (byte)(y * 200 / height);
                pixel[2] = (byte)((x + y) * 100 / (width + height));
            }
        }

        return bitmap;
    }
}
