namespace Imaging.Tests;

public sealed class PngVariantTests
{
    private const int Grey = 0, Rgb = 2, Palette = 3, GreyAlpha = 4, RgbAlpha = 6;

    public static TheoryData<int, int, bool> Kinds()
    {
        var kinds = new TheoryData<int, int, bool>();
        (int Type, int[] Depths)[] types =
            [(Grey, [1, 2, 4, 8, 16]), (Rgb, [8, 16]), (Palette, [1, 2, 4, 8]), (GreyAlpha, [8, 16]), (RgbAlpha, [8, 16])];
        foreach (var (type, depths) in types)
        {
            foreach (int depth in depths)
            {
                kinds.Add(type, depth, false);
                kinds.Add(type, depth, true);
            }
        }

        return kinds;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Decodes_every_kind(int colourType, int depth, bool interlaced)
    {
        foreach (var (width, height) in new[] { (1, 1), (2, 3), (9, 8), (37, 21) })
        {
            var builder = Build(width, height, colourType, depth, interlaced);
            var bitmap = ImageDecoder.Decode(builder.Build());
            Assert.Equal((width, height), (bitmap.Width, bitmap.Height));
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++)
                {
                    Assert.Equal(Expected(builder, colourType, depth, x, y), bitmap.Row(y).Slice(x * 3, 3).ToArray());
                }
            }
        }
    }

    [Fact]
    public void Shows_the_transparent_colour_as_white()
    {
        var grey = new PngBuilder(4, 1, 8, Grey) { Sample = (x, _, _) => x * 10 }.With("tRNS", 0, 20);
        Assert.Equal([0, 10, 255, 30], Reds(ImageDecoder.Decode(grey.Build())));

        var rgb = new PngBuilder(3, 1, 8, Rgb) { Sample = (x, _, c) => (x * 10) + c }.With("tRNS", 0, 10, 0, 11, 0, 12);
        Assert.Equal([0, 255, 20], Reds(ImageDecoder.Decode(rgb.Build())));

        var palette = new PngBuilder(3, 1, 8, Palette) { Sample = (x, _, _) => x }
            .With("PLTE", 100, 0, 0, 100, 0, 0, 100, 0, 0).With("tRNS", 255, 0, 128);
        Assert.Equal([100, 255, 177], Reds(ImageDecoder.Decode(palette.Build())));
    }

    [Fact]
    public void Decodes_what_it_encodes()
    {
        var bitmap = TestPictures.Synthetic(61, 43);
        Assert.Equal(bitmap.Pixels, ImageDecoder.Decode(PngEncoder.Encode(bitmap)).Pixels);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reduces_by_means_when_a_smaller_picture_is_enough(bool interlaced)
    {
        var png = new PngBuilder(37, 22, 8, Grey) { Sample = (x, y, _) => (x / 4 * 20) + (y / 4), Interlaced = interlaced };
        var bitmap = ImageDecoder.Decode(png.Build(), new DecodeOptions { TargetMinSide = 6 });
        Assert.Equal((10, 6), (bitmap.Width, bitmap.Height));
        for (int y = 0; y < bitmap.Height; y++)
        {
            for (int x = 0; x < bitmap.Width; x++)
            {
                Assert.Equal((x * 20) + y, bitmap.Row(y)[x * 3]);
            }
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(8)]
    public void Reduces_an_interlaced_picture_to_the_very_means_of_a_plain_one_without_holding_it(int reduction)
    {
        const int Width = 1003, Height = 801;
        var photo = TestPictures.Synthetic(Width, Height);
        byte[] Png(bool interlaced) => new PngBuilder(Width, Height, 8, Rgb)
        {
            Sample = (x, y, c) => photo.Pixels[(((y * Width) + x) * 3) + c], Interlaced = interlaced, ChunkBytes = 100_000,
        }.Build();
        var options = new DecodeOptions { TargetMinSide = Height / reduction };
        var expected = ImageDecoder.Decode(Png(interlaced: false), options);
        var png = Png(interlaced: true);

        long before = GC.GetAllocatedBytesForCurrentThread();
        var bitmap = ImageDecoder.Decode(png, options);
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal((Width + reduction - 1) / reduction, bitmap.Width);
        Assert.Equal(expected.Pixels, bitmap.Pixels);
        Assert.InRange(bytes, 0, (3 * bitmap.Pixels.Length) + 200_000);
    }

    [Fact]
    public void Ignores_chunks_that_it_may_ignore_and_refuses_others()
    {
        var png = new PngBuilder(2, 2, 8, Grey) { Sample = (_, _, _) => 7 };
        Assert.Equal(7, ImageDecoder.Decode(png.With("tEXt", 1, 2, 3).Build()).Pixels[0]);
        Assert.Throws<UnsupportedImageException>(() => ImageDecoder.Decode(png.With("ABCD", 1).Build()));
    }

    private static PngBuilder Build(int width, int height, int colourType, int depth, bool interlaced)
    {
        var random = new Random((width * 100) + depth);
        var values = new int[width * height * 4];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.Next(1 << depth);
        }

        var builder = new PngBuilder(width, height, depth, colourType)
        {
            Sample = (x, y, c) => values[(((y * width) + x) * 4) + c],
            Interlaced = interlaced,
            ChunkBytes = 17,
        };
        return colourType == Palette
            ? builder.With("PLTE", [.. Enumerable.Range(0, 3 * (1 << depth)).Select(i => (byte)(i * 37))])
            : builder;
    }

    /// <summary>Alpha in front of white, depths to eight bits.</summary>
    private static byte[] Expected(PngBuilder png, int colourType, int depth, int x, int y)
    {
        int Eight(int c) => depth == 16 ? png.Sample(x, y, c) >> 8 : png.Sample(x, y, c) * 255 / ((1 << depth) - 1);
        byte White(int value, int alpha) => (byte)Math.Round(255 - ((255 - value) * alpha / 255.0), MidpointRounding.AwayFromZero);
        switch (colourType)
        {
            case Grey:
                return [(byte)Eight(0), (byte)Eight(0), (byte)Eight(0)];
            case Rgb:
                return [(byte)Eight(0), (byte)Eight(1), (byte)Eight(2)];
            case Palette:
                int entry = png.Sample(x, y, 0) * 3;
                return [(byte)(entry * 37), (byte)((entry + 1) * 37), (byte)((entry + 2) * 37)];
            case GreyAlpha:
                byte grey = White(Eight(0), Eight(1));
                return [grey, grey, grey];
            default:
                return [White(Eight(0), Eight(3)), White(Eight(1), Eight(3)), White(Eight(2), Eight(3))];
        }
    }

    private static int[] Reds(Bitmap bitmap) => [.. Enumerable.Range(0, bitmap.Width).Select(x => (int)bitmap.Row(0)[x * 3])];
}
