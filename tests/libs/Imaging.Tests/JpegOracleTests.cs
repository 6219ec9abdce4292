namespace Imaging.Tests;

/// <summary>Our decoder against libturbojpeg. Both round differently, so single pixels may differ a little.</summary>
public sealed class JpegOracleTests(ITestOutputHelper output)
{
    private const int MaxDifference = 4;
    private const double MeanDifference = 0.2;

    [Fact]
    public void Decodes_photos_like_libturbojpeg()
    {
        Assert.SkipWhen(TurboJpeg.Missing is not null, TurboJpeg.Missing ?? "");
        Assert.SkipWhen(TestPictures.Photos is null, "../shared/data/trashnet is not there");
        foreach (string file in TestPictures.SomePhotos(60))
        {
            Compare(File.ReadAllBytes(file), Path.GetFileName(file));
        }
    }

    [Theory]
    [InlineData("-sample 1x1")]
    [InlineData("-sample 2x1")]
    [InlineData("-sample 2x2")]
    [InlineData("-sample 1x2")]
    [InlineData("-sample 4x1")]
    [InlineData("-grayscale")]
    [InlineData("-rgb")]
    [InlineData("-sample 2x2 -restart 1")]
    [InlineData("-sample 2x1 -restart 5B")]
    [InlineData("-optimize -quality 97")]
    [InlineData("-quality 5")]
    [InlineData("-progressive -sample 2x2")]
    [InlineData("-progressive -sample 1x1 -quality 97")]
    [InlineData("-progressive -sample 2x1 -restart 1")]
    [InlineData("-progressive -grayscale")]
    [InlineData("-progressive -quality 5")]
    public void Decodes_variants_like_libturbojpeg(string arguments)
    {
        Assert.SkipWhen(TurboJpeg.Missing is not null, TurboJpeg.Missing ?? "");
        foreach (var (width, height) in new[] { (1, 1), (7, 9), (16, 16), (17, 33), (133, 97), (250, 16) })
        {
            var jpeg = TestPictures.Cjpeg(TestPictures.Synthetic(width, height), arguments);
            Assert.SkipWhen(jpeg is null, "cjpeg is not installed");
            Compare(jpeg!, $"{width}x{height} {arguments}");
        }
    }

    /// <summary>libturbojpeg knows no picture whose two chroma channels differ in size, the djpeg program does.</summary>
    [Fact]
    public void Decodes_channels_of_three_sizes_like_djpeg()
    {
        var jpeg = TestPictures.Cjpeg(TestPictures.Synthetic(133, 97), "-sample 2x2,2x1,1x2");
        Assert.SkipWhen(jpeg is null, "cjpeg is not installed");
        var expected = TestPictures.Djpeg(jpeg!, "-nosmooth -dct int -ppm");
        Assert.SkipWhen(expected is null, "djpeg is not installed");
        var (max, mean) = TestPictures.Difference(expected!, ImageDecoder.Decode(jpeg));
        Assert.True(max <= MaxDifference && mean <= MeanDifference, $"max {max}, mean {mean:F3}");
    }

    private void Compare(byte[] jpeg, string name)
    {
        var (max, mean) = TestPictures.Difference(TurboJpeg.Decode(jpeg), ImageDecoder.Decode(jpeg));
        output.WriteLine($"{name}: max {max}, mean {mean:F3}");
        Assert.True(max <= MaxDifference && mean <= MeanDifference, $"{name}: max {max}, mean {mean:F3}");
    }
}
