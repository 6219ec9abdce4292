namespace Imaging.Tests;

/// <summary>Whatever the bytes are: a picture, or one of the documented exceptions, in bounded time and memory.</summary>
public sealed class HostileInputTests
{
    private const int MutationsPerFile = 400;

    /// <summary>Small limits, so that a mutated header cannot make the test slow.</summary>
    private static readonly DecodeOptions Limits = new() { MaxPixels = 200_000 };

    public static TheoryData<string> Files => [.. TestPictures.Stored.Keys.Order()];

    [Theory]
    [MemberData(nameof(Files))]
    public void Mutated_files_give_a_picture_or_a_documented_error(string name)
    {
        var original = TestPictures.Stored[name];
        for (int seed = 0; seed < MutationsPerFile; seed++)
        {
            var mutated = Mutate(original, new Random(seed));
            AssertHarmless(mutated, Limits, $"{name}, seed {seed}");
            AssertHarmless(mutated, Limits with { TargetMinSide = 4 }, $"{name} reduced, seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Cut_files_give_a_documented_error_or_a_picture(string name)
    {
        var original = TestPictures.Stored[name];
        for (int length = 0; length < original.Length; length += 1 + (original.Length / 300))
        {
            AssertHarmless(original[..length], Limits, $"{name}, first {length} bytes");
        }
    }

    [Fact]
    public void Random_bytes_behind_a_signature_are_refused()
    {
        foreach (byte[] start in new byte[][] { [0xFF, 0xD8, 0xFF], [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10], [] })
        {
            for (int seed = 0; seed < 200; seed++)
            {
                var tail = new byte[500];
                new Random(seed).NextBytes(tail);
                byte[] data = [.. start, .. tail];
                Assert.ThrowsAny<ImageFormatException>(() => ImageDecoder.Decode(data, Limits));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Limits_hold_before_anything_is_decoded(string name)
    {
        var file = TestPictures.Stored[name];
        Assert.Throws<ImageTooLargeException>(() => ImageDecoder.Decode(file, new DecodeOptions { MaxPixels = 100 }));
        Assert.Throws<ImageTooLargeException>(() => ImageDecoder.Decode(file, new DecodeOptions { MaxBytes = file.Length - 1 }));
    }

    /// <summary>Tables cost much more memory than they have bytes.</summary>
    [Theory]
    [InlineData(0xC4, 19)]
    [InlineData(0xDB, 65)]
    public void A_file_full_of_tables_is_refused_early(byte marker, int tableBytes)
    {
        var segment = new byte[4 + (tableBytes * 900)];
        (segment[0], segment[1], segment[2], segment[3]) = (0xFF, marker, (byte)((segment.Length - 2) >> 8), (byte)(segment.Length - 2));
        for (int table = 4; marker == 0xC4 && table < segment.Length; table += tableBytes)
        {
            (segment[table + 1], segment[table + 2]) = (1, 1);
        }

        byte[] jpeg = [0xFF, 0xD8, .. Enumerable.Repeat(segment, 200).SelectMany(bytes => bytes)];

        long before = GC.GetAllocatedBytesForCurrentThread();
        var refused = Assert.Throws<ImageFormatException>(() => ImageDecoder.Decode(jpeg));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 5_000_000);
        Assert.Contains("tables", refused.Message);
    }

    private static byte[] Mutate(byte[] original, Random random)
    {
        var mutated = (byte[])original.Clone();
        for (int count = random.Next(1, 6); count > 0; count--)
        {
            int at = random.Next(mutated.Length);
            mutated[at] = random.Next(3) switch { 0 => 0xFF, 1 => (byte)(mutated[at] ^ (1 << random.Next(8))), _ => (byte)random.Next(256) };
        }

        return random.Next(4) == 0 ? mutated[..random.Next(mutated.Length)] : mutated;
    }

    private static void AssertHarmless(byte[] data, DecodeOptions options, string what)
    {
        try
        {
            var bitmap = ImageDecoder.Decode(data, options);
            Assert.True(bitmap.Width > 0 && bitmap.Pixels.Length == bitmap.Width * bitmap.Height * 3, what);
        }
        catch (ImageFormatException)
        {
            // Documented.
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{what}: {exception}");
        }
    }
}
