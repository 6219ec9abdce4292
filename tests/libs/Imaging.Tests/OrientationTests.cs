namespace Imaging.Tests;

public sealed class OrientationTests
{
    /// <summary>Where the upright picture takes its pixel (x, y) from, for a stored picture of the given size.</summary>
    private static readonly Func<int, int, int, int, (int X, int Y)>[] Sources =
    [
        (x, y, w, h) => (x, y),
        (x, y, w, h) => (w - 1 - x, y),
        (x, y, w, h) => (w - 1 - x, h - 1 - y),
        (x, y, w, h) => (x, h - 1 - y),
        (x, y, w, h) => (y, x),
        (x, y, w, h) => (y, h - 1 - x),
        (x, y, w, h) => (w - 1 - y, h - 1 - x),
        (x, y, w, h) => (w - 1 - y, x),
    ];

    public static TheoryData<int, bool> Orientations()
    {
        var data = new TheoryData<int, bool>();
        for (int orientation = 1; orientation <= 8; orientation++)
        {
            data.Add(orientation, true);
            data.Add(orientation, false);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Orientations))]
    public void Turns_the_picture_upright(int orientation, bool littleEndian)
    {
        byte[] jpeg = JpegEncoder.Encode(TestPictures.Synthetic(53, 37), 95);
        byte[] turned = Insert(jpeg, Exif(orientation, littleEndian));
        var stored = ImageDecoder.Decode(jpeg);

        var info = ImageDecoder.Identify(turned);
        Assert.Equal(new ImageInfo(ImageFormat.Jpeg, 53, 37, (ImageOrientation)orientation), info);
        var upright = ImageDecoder.Decode(turned);
        Assert.Equal((info.UprightWidth, info.UprightHeight), (upright.Width, upright.Height));
        Assert.Equal(orientation >= 5, upright.Width < upright.Height);
        for (int y = 0; y < upright.Height; y++)
        {
            for (int x = 0; x < upright.Width; x++)
            {
                var (fromX, fromY) = Sources[orientation - 1](x, y, stored.Width, stored.Height);
                Assert.Equal(stored.Row(fromY).Slice(fromX * 3, 3).ToArray(), upright.Row(y).Slice(x * 3, 3).ToArray());
            }
        }

        Assert.Equal(stored.Pixels, ImageDecoder.Decode(turned, new DecodeOptions { ApplyOrientation = false }).Pixels);
    }

    [Fact]
    public void Takes_a_damaged_EXIF_block_for_none()
    {
        byte[] jpeg = JpegEncoder.Encode(new Bitmap(8, 8));
        byte[] exif = Exif(6, littleEndian: true);
        for (int at = 6; at < exif.Length; at++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                var damaged = (byte[])exif.Clone();
                damaged[at] ^= (byte)(1 << bit);
                Assert.InRange((int)ImageDecoder.Identify(Insert(jpeg, damaged)).Orientation, 1, 8);
            }

            Assert.Equal(8, ImageDecoder.Decode(Insert(jpeg, exif[..at])).Width);
        }
    }

    private static byte[] Exif(int orientation, bool littleEndian)
    {
        byte value = (byte)orientation;
        return littleEndian
            ? [.. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 2, 0, 0x0F, 1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0]
            : [.. "Exif\0\0MM\0*"u8, 0, 0, 0, 8, 0, 2, 1, 0x0F, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0];
    }

    private static byte[] Insert(byte[] jpeg, byte[] app1) =>
        [.. jpeg[..2], 0xFF, 0xE1, (byte)((app1.Length + 2) >> 8), (byte)(app1.Length + 2), .. app1, .. jpeg[2..]];
}
