namespace Imaging.Tests;

public sealed class ResizeTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(7, 50)]
    [InlineData(100, 80)]
    [InlineData(300, 11)]
    public void Keeps_a_plain_colour(int width, int height)
    {
        var source = new Bitmap(100, 80);
        source.Pixels.Fill(137);
        var resized = source.Resize(width, height);
        Assert.Equal((width, height), (resized.Width, resized.Height));
        Assert.All(resized.Pixels.ToArray(), value => Assert.Equal(137, value));
    }

    [Fact]
    public void Keeps_a_picture_of_the_same_size()
    {
        var source = TestPictures.Synthetic(53, 31);
        Assert.Equal(source.Pixels, source.Resize(53, 31).Pixels);
    }

    [Fact]
    public void Gives_every_source_pixel_its_share()
    {
        var source = new Bitmap(64, 64);
        for (int i = 0; i < 64 * 64; i++)
        {
            source.Pixels.Slice(i * 3, 3).Fill((byte)(((i % 64) + (i / 64)) % 2 * 255));
        }

        Assert.All(source.Resize(9, 9).Pixels.ToArray(), value => Assert.InRange((int)value, 122, 133));
    }

    [Fact]
    public void Goes_from_left_to_right_and_top_to_bottom()
    {
        var source = new Bitmap(2, 2);
        (source.Pixels[3], source.Pixels[7]) = (255, 255);
        var resized = source.Resize(20, 20);
        Assert.Equal((0, 255), (resized.Row(0)[0], resized.Row(0)[19 * 3]));
        Assert.Equal((0, 255), (resized.Row(0)[1], resized.Row(19)[1]));
        for (int i = 1; i < 20; i++)
        {
            Assert.True(resized.Row(0)[i * 3] >= resized.Row(0)[(i - 1) * 3]);
        }
    }

    /// <summary>One pixel wide and millions long, or the other way round: the filter alone would need gigabytes.</summary>
    [Theory]
    [InlineData(1, 10_000_000)]
    [InlineData(10_000_000, 1)]
    [InlineData(3, 1_000_003)]
    public void Needs_little_memory_whatever_the_shape(int width, int height)
    {
        var source = new Bitmap(width, height);
        for (int i = 0; i < width * height; i++)
        {
            source.Pixels.Slice(i * 3, 3).Fill((byte)((long)i * 256 / (width * height)));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        var resized = source.Resize(320, 320);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);

        for (int at = 0; at < 320; at++)
        {
            int value = height > width ? resized.Row(at)[0] : resized.Row(0)[at * 3];
            Assert.InRange(value, (at * 256 / 320) - 2, (at * 256 / 320) + 2);
        }
    }
}
