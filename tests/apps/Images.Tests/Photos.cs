using Imaging;

namespace Images.Tests;

/// <summary>Files that people might upload.</summary>
internal static class Photos
{
    /// <summary>Left half red, right half blue.</summary>
    public static Bitmap Halves(int width, int height)
    {
        var bitmap = new Bitmap(width, height);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                bitmap.Row(y)[(x * 3) + (x < width / 2 ? 0 : 2)] = 255;
            }
        }

        return bitmap;
    }

    /// <summary>A JPEG that a phone held upright would write: turned by 90°, and with the place where it was taken.</summary>
    public static byte[] FromPhone(Bitmap bitmap)
    {
        byte[] tiff =
        [
            .. "II"u8, 42, 0, 8, 0, 0, 0,
            // IFD0: orientation 6; where the GPS directory is.
            2, 0,
            0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0,
            0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0,
            0, 0, 0, 0,
            // GPS: north; 52 degrees.
            2, 0,
            1, 0, 2, 0, 2, 0, 0, 0, (byte)'N', 0, 0, 0,
            2, 0, 5, 0, 1, 0, 0, 0, 68, 0, 0, 0,
            0, 0, 0, 0,
            52, 0, 0, 0, 1, 0, 0, 0,
        ];
        byte[] segment = [.. "Exif\0\0"u8, .. tiff];
        var jpeg = JpegEncoder.Encode(bitmap);
        return [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(segment.Length + 2), .. segment, .. jpeg[2..]];
    }

    /// <summary>The colour of a pixel as a letter.</summary>
    public static char At(Bitmap bitmap, int x, int y) => bitmap.Row(y).Slice(x * 3, 3) is var pixel && pixel[0] > 200 && pixel[2] < 60 ? 'r'
        : pixel[2] > 200 && pixel[0] < 60 ? 'b' : '?';
}
