using System.Buffers.Binary;

namespace Imaging.Tests;

public sealed class RefusedPictureTests
{
    private const int FrameMarker = 0xC0;

    private delegate void FrameChange(Span<byte> frame);

    [Theory]
    [InlineData("GIF89a......", "GIF")]
    [InlineData("RIFF....WEBPVP8 ", "WebP")]
    [InlineData("....ftypheic", "HEIC")]
    [InlineData("hello", "not a JPEG or PNG")]
    [InlineData("", "not a JPEG or PNG")]
    public void Names_formats_that_it_does_not_decode(string start, string expected)
    {
        byte[] data = System.Text.Encoding.ASCII.GetBytes(start);
        Assert.Contains(expected, Assert.Throws<UnsupportedImageException>(() => ImageDecoder.Decode(data)).Message);
        Assert.Throws<UnsupportedImageException>(() => ImageDecoder.Identify(data));
    }

    [Theory]
    [InlineData(0xC3, "Lossless")]
    [InlineData(0xC5, "Hierarchical")]
    [InlineData(0xC9, "Arithmetic")]
    [InlineData(0xCA, "Arithmetic")]
    public void Names_JPEG_processes_that_it_does_not_decode(byte marker, string expected)
    {
        byte[] jpeg = WithFrame(frame => frame[1] = marker);
        Assert.Contains(expected, Assert.Throws<UnsupportedImageException>(() => ImageDecoder.Decode(jpeg)).Message);
    }

    [Fact]
    public void Names_JPEG_depths_and_colours_that_it_does_not_decode()
    {
        Assert.Contains("12 bits", Refusal(WithFrame(frame => frame[4] = 12)));
        Assert.Contains("CMYK", Refusal(WithFrame(frame => frame[9] = 4)));
        Assert.Contains("2 channels", Refusal(WithFrame(frame => frame[9] = 2)));
        Assert.Contains("fractional", Refusal(WithFrame(frame => (frame[11], frame[14]) = (0x31, 0x21))));

        static string Refusal(byte[] jpeg) => Assert.Throws<UnsupportedImageException>(() => ImageDecoder.Decode(jpeg)).Message;
    }

    [Fact]
    public void Refuses_more_pixels_or_bytes_than_allowed_before_it_allocates()
    {
        byte[] huge = WithFrame(frame => (frame[5], frame[6], frame[7], frame[8]) = (0x1F, 0xFF, 0x1F, 0xFF));
        AssertCheap<ImageTooLargeException>(huge, DecodeOptions.Default);
        AssertCheap<ImageTooLargeException>(huge, new DecodeOptions { MaxBytes = huge.Length - 1 });
        Assert.Equal(0x1FFF, ImageDecoder.Identify(huge).Width);
    }

    /// <summary>A header may promise any size; what follows must at least be able to hold it.</summary>
    [Fact]
    public void Refuses_files_far_too_short_for_their_header_before_it_allocates()
    {
        AssertCheap<ImageFormatException>(
            WithFrame(frame => (frame[5], frame[6], frame[7], frame[8]) = (0x17, 0x00, 0x17, 0x00)), DecodeOptions.Default);
        var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        PngBuilder.WriteChunk(png, "IHDR", [0, 0, 0x17, 0, 0, 0, 0x17, 0, 8, 2, 0, 0, 0]);
        PngBuilder.WriteChunk(png, "IDAT", PngBuilder.Compress(new byte[1000]));
        PngBuilder.WriteChunk(png, "IEND", []);
        AssertCheap<ImageFormatException>(png.ToArray(), DecodeOptions.Default);
    }

    [Theory]
    [InlineData(30_000_000, 1)]
    [InlineData(1, 30_000_000)]
    public void Refuses_a_side_longer_than_allowed_before_it_allocates(int width, int height)
    {
        byte[] png = Grey(width, height);
        AssertCheap<ImageTooLargeException>(png, DecodeOptions.Default);
        Assert.Throws<ImageTooLargeException>(() => ImageDecoder.Identify(png, DecodeOptions.Default));
        Assert.Equal((width, height), (ImageDecoder.Identify(png).Width, ImageDecoder.Identify(png).Height));
    }

    [Fact]
    public void Takes_the_longest_side_that_a_JPEG_can_have() =>
        Assert.Equal(65_535, ImageDecoder.Decode(Grey(65_535, 1)).Width);

    [Fact]
    public void Refuses_a_PNG_row_that_would_not_fit_the_working_memory()
    {
        var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        PngBuilder.WriteChunk(png, "IHDR", [1, 0, 0, 0, 0, 0, 0, 1, 16, 6, 0, 0, 0]);
        PngBuilder.WriteChunk(png, "IDAT", new byte[500_000]);
        PngBuilder.WriteChunk(png, "IEND", []);
        AssertCheap<ImageTooLargeException>(png.ToArray(), new DecodeOptions { MaxSide = int.MaxValue });
    }

    [Fact]
    public void Refuses_an_interlaced_PNG_that_would_not_fit_the_working_memory()
    {
        var png = new PngBuilder(64, 64, 8, 0) { Sample = (_, _, _) => 1, Interlaced = true }.Build();
        var options = new DecodeOptions { TargetMinSide = 32, MaxWorkingBytes = 32 * 32 * 6 };
        Assert.Equal(32, ImageDecoder.Decode(png, options).Width);
        Assert.Throws<ImageTooLargeException>(() => ImageDecoder.Decode(png, options with { MaxWorkingBytes = options.MaxWorkingBytes - 1 }));
    }

    [Fact]
    public void Stops_when_cancelled()
    {
        byte[] jpeg = JpegEncoder.Encode(new Bitmap(64, 64));
        Assert.ThrowsAny<OperationCanceledException>(() => ImageDecoder.Decode(jpeg, null, new CancellationToken(canceled: true)));
        byte[] png = PngEncoder.Encode(new Bitmap(64, 64));
        Assert.ThrowsAny<OperationCanceledException>(() => ImageDecoder.Decode(png, null, new CancellationToken(canceled: true)));
    }

    private static void AssertCheap<TException>(byte[] data, DecodeOptions options)
        where TException : ImageFormatException
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TException>(() => ImageDecoder.Decode(data, options));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    /// <summary>A sound picture of eight bits per pixel, all black.</summary>
    private static byte[] Grey(int width, int height)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8;
        var png = new MemoryStream();
        png.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10]);
        PngBuilder.WriteChunk(png, "IHDR", header);
        PngBuilder.WriteChunk(png, "IDAT", PngBuilder.Compress(new byte[height * (width + 1)]));
        PngBuilder.WriteChunk(png, "IEND", []);
        return png.ToArray();
    }

    private static byte[] WithFrame(FrameChange change)
    {
        byte[] jpeg = JpegEncoder.Encode(new Bitmap(16, 16));
        int at = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, FrameMarker]);
        change(jpeg.AsSpan(at, 19));
        return jpeg;
    }
}
