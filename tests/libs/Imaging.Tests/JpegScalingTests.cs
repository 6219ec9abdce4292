namespace Imaging.Tests;

public sealed class JpegScalingTests
{
    [Theory]
    [InlineData(null, 1)]
    [InlineData(96, 1)]
    [InlineData(49, 1)]
    [InlineData(48, 2)]
    [InlineData(25, 2)]
    [InlineData(24, 4)]
    [InlineData(12, 8)]
    [InlineData(1, 8)]
    public void Chooses_the_smallest_size_that_is_enough(int? wanted, int reduction)
    {
        var bitmap = ImageDecoder.Decode(JpegEncoder.Encode(TestPictures.Synthetic(128, 96)), new DecodeOptions { TargetMinSide = wanted });
        Assert.Equal((128 / reduction, 96 / reduction), (bitmap.Width, bitmap.Height));
    }

    /// <summary>Up to a shape of 1 : 4 the shorter side counts, whatever the wish; beyond that the pixels do.</summary>
    [Theory]
    [InlineData(1276, 1276 * 4, 320, 2)]
    [InlineData(638, 638 * 4, 320, 1)]
    [InlineData(638, 638 * 5, 320, 2)]
    [InlineData(638, 62_000, 320, 8)]
    [InlineData(600, 20_000, 320, 4)]
    [InlineData(20_000, 600, 320, 4)]
    [InlineData(40_000, 300, 320, 4)]
    [InlineData(65_535, 1, 320, 1)]
    public void A_strip_is_reduced_by_its_pixels(int width, int height, int wanted, int reduction)
    {
        var picture = new Bitmap(width, height);
        foreach (var file in new[] { JpegEncoder.Encode(picture), PngEncoder.Encode(picture) })
        {
            var bitmap = ImageDecoder.Decode(file, new DecodeOptions { TargetMinSide = wanted });
            Assert.Equal(((width + reduction - 1) / reduction, (height + reduction - 1) / reduction), (bitmap.Width, bitmap.Height));
        }
    }

    [Theory]
    [InlineData("-sample 2x2")]
    [InlineData("-sample 1x1")]
    [InlineData("-sample 2x1")]
    [InlineData("-sample 1x2")]
    [InlineData("-sample 4x1")]
    [InlineData("-grayscale")]
    [InlineData("-progressive -sample 2x2")]
    [InlineData("-progressive -sample 1x1")]
    [InlineData("-progressive -sample 2x1 -restart 1")]
    public void A_reduced_picture_looks_like_the_full_one_made_smaller(string arguments)
    {
        var jpeg = TestPictures.Cjpeg(Waves(133, 97), arguments + " -quality 95");
        Assert.SkipWhen(jpeg is null, "cjpeg is not installed");
        var full = ImageDecoder.Decode(jpeg);
        foreach (int reduction in new[] { 2, 4, 8 })
        {
            int wanted = (97 + reduction - 1) / reduction;
            var reduced = ImageDecoder.Decode(jpeg, new DecodeOptions { TargetMinSide = wanted });
            Assert.Equal((133 + reduction - 1) / reduction, reduced.Width);
            Assert.Equal(wanted, reduced.Height);
            Assert.InRange(TestPictures.Difference(BoxReduce(full, reduction), reduced).Mean, 0, 2.5);
        }
    }

    [Fact]
    public void A_progressive_picture_of_a_phone_stays_within_the_working_memory_when_reduced()
    {
        var jpeg = TestPictures.Cjpeg(new Bitmap(4000, 3000), "-progressive -sample 1x1");
        Assert.SkipWhen(jpeg is null, "cjpeg is not installed");
        Assert.Throws<ImageTooLargeException>(() => ImageDecoder.Decode(jpeg));

        long before = GC.GetAllocatedBytesForCurrentThread();
        var bitmap = ImageDecoder.Decode(jpeg, new DecodeOptions { TargetMinSide = 320 });
        Assert.Equal((500, 375), (bitmap.Width, bitmap.Height));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    [Fact]
    public void A_full_picture_needs_little_beside_its_pixels()
    {
        byte[] jpeg = JpegEncoder.Encode(new Bitmap(2000, 1500));
        long before = GC.GetAllocatedBytesForCurrentThread();
        var bitmap = ImageDecoder.Decode(jpeg);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before - bitmap.Pixels.Length, 0, 1_000_000);
    }

    private static Bitmap Waves(int width, int height)
    {
        var bitmap = new Bitmap(width, height);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                var pixel = bitmap.Row(y).Slice(x * 3, 3);
                pixel[0] = (byte)(128 + (100 * Math.Sin(x / 15.0)));
                pixel[1] = (byte)(128 + (100 * Math.Sin(y / 20.0)));
                pixel[2] = (byte)(128 + (80 * Math.Sin((x + y) / 25.0)));
            }
        }

        return bitmap;
    }

    private static Bitmap BoxReduce(Bitmap source, int factor)
    {
        var result = new Bitmap((source.Width + factor - 1) / factor, (source.Height + factor - 1) / factor);
        for (int y = 0; y < result.Height; y++)
        {
            for (int i = 0; i < result.Stride; i++)
            {
                int sum = 0, count = 0;
                for (int sy = y * factor; sy < Math.Min((y + 1) * factor, source.Height); sy++)
                {
                    for (int sx = i / 3 * factor; sx < Math.Min(((i / 3) + 1) * factor, source.Width); sx++, count++)
                    {
                        sum += source.Row(sy)[(sx * 3) + (i % 3)];
                    }
                }

                result.Row(y)[i] = (byte)(sum / count);
            }
        }

        return result;
    }
}
