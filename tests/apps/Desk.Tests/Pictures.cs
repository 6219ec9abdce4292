using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Imaging;
using Imaging.Tests;

namespace Desk.Tests;

/// <summary>Pictures sound and hostile, made from their parts.</summary>
internal static class Pictures
{
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    /// <summary>Pictures of other encoders: baseline, progressive, grey, with restart markers.</summary>
    public static IReadOnlyDictionary<string, byte[]> Stored { get; } = ReadStored();

    /// <summary>A keyboard below a bright screen, seen from the front: nothing in it is the same when it is turned.</summary>
    public static Bitmap Workplace(int width = 640, int height = 480)
    {
        var bitmap = new Bitmap(width, height);
        for (var y = 0; y < height; y++)
        {
            var row = bitmap.Row(y);
            for (var x = 0; x < width; x++)
            {
                var (u, v) = (x * 640 / width, y * 480 / height);
                var isScreen = u is > 120 and < 520 && v is > 40 and < 260;
                var isKeyboard = u is > 80 and < 560 && v is > 330 and < 450;
                var isKey = isKeyboard && (u - 80) % 32 > 4 && (v - 330) % 24 > 4;
                var (r, g, b) = isScreen && u is > 130 and < 510 && v is > 50 and < 250 ? (200 - (u / 8), 220, 250 - (v / 4)) : isScreen ? (20, 20, 24)
                    : isKey ? (230, 230, 225) : isKeyboard ? (60, 60, 66) : v > 300 ? (150, 110 + (u / 32), 70) : (190, 185, 175);
                (row[x * 3], row[(x * 3) + 1], row[(x * 3) + 2]) = ((byte)r, (byte)g, (byte)b);
            }
        }

        return bitmap;
    }

    /// <summary>A PNG from its parts, whatever they claim. <paramref name="compressed"/> is one IDAT.</summary>
    public static byte[] Png(int width, int height, byte depth, byte colourType, byte[] compressed, byte interlaced = 0, params (string Type, byte[] Payload)[] before)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9], header[12]) = (depth, colourType, interlaced);
        return Chunks([("IHDR", header), .. before, ("IDAT", compressed), ("IEND", [])]);
    }

    /// <summary>A PNG of any chunks, their checksums right.</summary>
    public static byte[] Chunks(IEnumerable<(string Type, byte[] Payload)> chunks)
    {
        var png = new MemoryStream();
        png.Write(Signature);
        foreach (var (type, payload) in chunks)
        {
            PngBuilder.WriteChunk(png, type, payload);
        }

        return png.ToArray();
    }

    /// <summary>Zeros, compressed as far as it goes: about a thousandth.</summary>
    public static byte[] Zeros(long count)
    {
        var output = new MemoryStream();
        using (var deflate = new ZLibStream(output, CompressionLevel.Optimal, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (; count > 0; count -= zeros.Length)
            {
                deflate.Write(zeros.AsSpan(0, (int)Math.Min(count, zeros.Length)));
            }
        }

        return output.ToArray();
    }

    /// <summary>A grey JPEG of any size in as few bits as it can have: two for a block, which never differs from the one before.</summary>
    public static byte[] FlatJpeg(int width, int height)
    {
        var blocks = (long)((width + 7) / 8) * ((height + 7) / 8);
        return
        [
            0xFF, 0xD8, .. Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]), .. Segment(0xC0, Frame(width, height, 1, 0x11, 0)),
            // One code of one bit each: no difference, end of block.
            .. Segment(0xC4, [0x00, 1, .. new byte[15], 0]), .. Segment(0xC4, [0x10, 1, .. new byte[15], 0]), .. Segment(0xDA, [1, 1, 0, 0, 63, 0]),
            .. new byte[(blocks / 4) + 8], 0xFF, 0xD9,
        ];
    }

    /// <summary>The same, progressive: the values first, then as many scans as there are frequencies, each as short as it can be.</summary>
    public static byte[] FlatProgressiveJpeg(int width, int height)
    {
        var blocks = (long)((width + 7) / 8) * ((height + 7) / 8);
        var jpeg = new MemoryStream();
        jpeg.Write([
            0xFF, 0xD8, .. Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]), .. Segment(0xC2, Frame(width, height, 1, 0x11, 0)),
            .. Segment(0xC4, [0x00, 1, .. new byte[15], 0]), .. Segment(0xC4, [0x10, 1, .. new byte[15], 0]), .. Segment(0xDA, [1, 1, 0, 0, 0, 0]), .. new byte[(blocks / 8) + 8],
        ]);
        for (byte frequency = 1; frequency < 64; frequency++)
        {
            jpeg.Write([.. Segment(0xDA, [1, 1, 0, frequency, frequency, 0]), .. new byte[(blocks / 8) + 8]]);
        }

        jpeg.Write([0xFF, 0xD9]);
        return jpeg.ToArray();
    }

    /// <summary>Frame header (T.81 B.2.2) with channels that are sampled alike.</summary>
    public static byte[] Frame(int width, int height, byte channels, byte sampling, byte quantization, byte depth = 8) =>
        [depth, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, channels, .. Enumerable.Range(1, channels).SelectMany(id => new[] { (byte)id, sampling, quantization })];

    public static byte[] Segment(byte marker, byte[] payload) => [0xFF, marker, (byte)((payload.Length + 2) >> 8), (byte)(payload.Length + 2), .. payload];

    /// <summary>Puts segments behind the start of a JPEG.</summary>
    public static byte[] With(byte[] jpeg, params IEnumerable<byte[]> segments) => [.. jpeg[..2], .. segments.SelectMany(segment => segment), .. jpeg[2..]];

    /// <summary>Changes the frame header of a JPEG, which begins at its length.</summary>
    public static byte[] WithFrame(byte[] jpeg, Action<byte[], int> change)
    {
        var changed = (byte[])jpeg.Clone();
        var at = changed.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        change(changed, at);
        return changed;
    }

    /// <summary>EXIF with an orientation and, where it is given, a place and the camera's words (EXIF 2.3: ImageDescription, GPSLatitude as text).</summary>
    public static byte[] Exif(int orientation, string place = "")
    {
        var words = Encoding.ASCII.GetBytes($"{place}\0\0\0\0");
        // Three entries behind the header of 8 bytes; the words stand behind them, and the GPS directory behind the words.
        const int Words = 8 + 2 + (3 * 12) + 4;
        var gps = Words + words.Length;
        return Segment(0xE1,
        [
            .. "Exif\0\0"u8, .. "II*\0"u8, 8, 0, 0, 0, 3, 0, .. Entry(0x010E, 2, words.Length, Words), .. Entry(0x0112, 3, 1, orientation), .. Entry(0x8825, 4, 1, gps), 0, 0, 0, 0,
            .. words, 1, 0, .. Entry(0x001D, 2, words.Length, Words), 0, 0, 0, 0,
        ]);

        static byte[] Entry(ushort tag, ushort type, int count, int value)
        {
            var entry = new byte[12];
            BinaryPrimitives.WriteUInt16LittleEndian(entry, tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry.AsSpan(2), type);
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), count);
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(8), value);
            return entry;
        }
    }

    /// <summary>How a picture is stored so that an orientation makes it upright again (EXIF 2.3, 4.6.4 A).</summary>
    public static Bitmap Turned(Bitmap upright, int orientation)
    {
        var stored = orientation >= 5 ? new Bitmap(upright.Height, upright.Width) : new Bitmap(upright.Width, upright.Height);
        var (w, h) = (stored.Width, stored.Height);
        for (var y = 0; y < upright.Height; y++)
        {
            for (var x = 0; x < upright.Width; x++)
            {
                var (fromX, fromY) = orientation switch
                {
                    2 => (w - 1 - x, y), 3 => (w - 1 - x, h - 1 - y), 4 => (x, h - 1 - y), 5 => (y, x), 6 => (y, h - 1 - x), 7 => (w - 1 - y, h - 1 - x), 8 => (w - 1 - y, x), _ => (x, y),
                };
                upright.Row(y).Slice(x * 3, 3).CopyTo(stored.Row(fromY)[(fromX * 3)..]);
            }
        }

        return stored;
    }

    private static Dictionary<string, byte[]> ReadStored()
    {
        var assembly = typeof(Pictures).Assembly;
        return assembly.GetManifestResourceNames().Where(name => name.EndsWith(".jpg", StringComparison.Ordinal)).ToDictionary(name => name, name =>
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            var content = new byte[stream.Length];
            stream.ReadExactly(content);
            return content;
        }, StringComparer.Ordinal);
    }
}
