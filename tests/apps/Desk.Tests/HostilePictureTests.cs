using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ai.Local.Vision;
using Desk.Vision;
using Imaging;
using Imaging.Tests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Desk.Tests;

/// <summary>
/// Pictures that are bombs, polyglots, cut off or damaged, and kinds that are seldom seen: judged, or a problem with a stable code, in bounded memory and time, and the next
/// picture is judged as before.
/// </summary>
public sealed class HostilePictureTests(HostilePictureTests.Fixture desk) : IClassFixture<HostilePictureTests.Fixture>
{
    /// <summary>What judging may allocate in all, whatever the picture: its pixels reduced, what is kept between the scans of a progressive one, and what the network needs.</summary>
    private const long MaxAllocated = 20_000_000;

    /// <summary>What a picture may allocate that is refused by its header.</summary>
    private const long MaxAllocatedForNothing = 2_000_000;

    /// <summary>Far above what any of them needs on a busy machine; the heaviest takes about two seconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly LocalDeskCheck Check = new(new PictureClassifier(), Options.Create(new DeskOptions()));

    private static readonly byte[] Jpeg = JpegEncoder.Encode(Pictures.Workplace());

    private static readonly byte[] SmallJpeg = JpegEncoder.Encode(Pictures.Workplace(96, 72));

    private static readonly byte[] SmallPng = PngEncoder.Encode(Pictures.Workplace(96, 72));

    private static readonly byte[] Header = [0, 0, 0, 64, 0, 0, 0, 64, 8, 2, 0, 0, 0];

    private static readonly byte[] Rows = PngBuilder.Compress(Enumerable.Range(0, 64).SelectMany(_ => (byte[])[0, .. new byte[192]]).ToArray());

    private static readonly Dictionary<string, Func<byte[]>> Bombs = new(StringComparer.Ordinal)
    {
        // A gigabyte behind a header that tells of it, and behind one that does not.
        ["png-1gb-honest"] = () => Pictures.Png(18_000, 18_000, 8, 2, Pictures.Zeros(1_000_000_000)),
        ["png-1gb-hidden"] = () => Pictures.Png(64, 64, 8, 2, Pictures.Zeros(1_000_000_000)),
        // The largest that is allowed, at eight bytes a pixel.
        ["png-320mb"] = () => Pictures.Png(8000, 5000, 16, 6, Pictures.Zeros(5000L * 64_001)),
        ["png-320mb-interlaced"] = () => Pictures.Png(8000, 5000, 16, 6, Pictures.Zeros(330_000_000), interlaced: 1),
        ["png-strip"] = () => Pictures.Png(62_000, 638, 8, 0, Pictures.Zeros(638L * 62_001)),
        ["png-strip-interlaced"] = () => Pictures.Png(62_000, 638, 8, 2, Pictures.Zeros(130_000_000), interlaced: 1),
        ["png-huge-header"] = () => Pictures.Png(int.MaxValue, int.MaxValue, 16, 6, Pictures.Zeros(1000)),
        ["png-long-row"] = () => Pictures.Png(int.MaxValue, 1, 16, 6, Pictures.Zeros(1000)),
        ["png-negative"] = () => Pictures.Png(-1, 5, 8, 2, Pictures.Zeros(1000)),
        ["png-nothing"] = () => Pictures.Png(0, 0, 8, 2, Pictures.Zeros(1000)),
        ["png-promise"] = () => Pictures.Png(6000, 6000, 8, 2, Pictures.Zeros(1000)),
        ["png-text-bomb"] = () => WithChunks(("zTXt", [.. "a\0\0"u8, .. Pictures.Zeros(500_000_000)]), ("iCCP", [.. "a\0\0"u8, .. Pictures.Zeros(500_000_000)])),
        ["png-empty-idats"] = () => Pictures.Chunks([("IHDR", Header), .. Enumerable.Repeat(("IDAT", Array.Empty<byte>()), 400_000), ("IDAT", Rows), ("IEND", [])]),
        ["png-idats-of-one-byte"] = () => Pictures.Chunks([("IHDR", Header), .. Rows.Select(one => ("IDAT", new[] { one })), ("IEND", [])]),
        ["png-many-chunks"] = () => WithChunks([.. Enumerable.Repeat(("tEXt", Array.Empty<byte>()), 400_000)]),
        ["png-many-palettes"] = () => WithChunks([.. Enumerable.Repeat(("PLTE", new byte[768]), 10_000)]),
        ["jpeg-huge-header"] = () => Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg.AsSpan(at + 5, 4).Fill(0xFF)),
        ["jpeg-nothing"] = () => Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg.AsSpan(at + 5, 4).Clear()),
        ["jpeg-no-height"] = () => Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg.AsSpan(at + 5, 2).Clear()),
        ["jpeg-promise"] = () => Pictures.WithFrame(SmallJpeg, (jpeg, at) => (jpeg[at + 5], jpeg[at + 7]) = (0x17, 0x17)),
        ["jpeg-40mp"] = () => Pictures.FlatJpeg(7300, 5470),
        ["jpeg-strip"] = () => Pictures.FlatJpeg(62_000, 638),
        ["jpeg-column"] = () => Pictures.With(Pictures.FlatJpeg(638, 62_000), Pictures.Exif(6)),
        ["jpeg-40mp-64-scans"] = () => Pictures.FlatProgressiveJpeg(7300, 5470),
        ["jpeg-strip-64-scans"] = () => Pictures.FlatProgressiveJpeg(62_000, 638),
        ["jpeg-many-segments"] = () => Pictures.With(SmallJpeg, Enumerable.Repeat(Pictures.Segment(0xFE, []), 1_000_000)),
        ["jpeg-many-exifs"] = () => Pictures.With(SmallJpeg, Enumerable.Repeat(Pictures.Exif(1), 50_000)),
        ["jpeg-many-tables"] = () => Pictures.With(SmallJpeg, Enumerable.Repeat(Pictures.Segment(0xDB, [0, .. new byte[64]]), 100_000)),
        ["jpeg-many-restarts"] = () => Pictures.With(SmallJpeg, Enumerable.Range(0, 1_000_000).Select(index => new byte[] { 0xFF, (byte)(0xD0 + (index % 8)) })),
        ["jpeg-filling"] = () => Pictures.With(SmallJpeg, Enumerable.Repeat((byte[])[0xFF], 8_000_000)),
        ["jpeg-no-markers"] = () => [0xFF, 0xD8, 0xFF, .. new byte[8_000_000]],
    };

    public static TheoryData<string, string?> BombNames => new(
        ("png-1gb-honest", "IMAGE_TOO_LARGE"), ("png-1gb-hidden", null), ("png-320mb", null), ("png-320mb-interlaced", null), ("png-strip", null), ("png-strip-interlaced", null),
        ("png-huge-header", "IMAGE_UNREADABLE"), ("png-long-row", "IMAGE_UNREADABLE"), ("png-negative", "IMAGE_UNREADABLE"), ("png-nothing", "IMAGE_UNREADABLE"), ("png-promise", "IMAGE_UNREADABLE"),
        ("png-text-bomb", null), ("png-empty-idats", null), ("png-idats-of-one-byte", null), ("png-many-chunks", null), ("png-many-palettes", null),
        ("jpeg-huge-header", "IMAGE_TOO_LARGE"), ("jpeg-nothing", "IMAGE_UNREADABLE"), ("jpeg-no-height", "IMAGE_UNREADABLE"), ("jpeg-promise", "IMAGE_UNREADABLE"),
        ("jpeg-40mp", null), ("jpeg-strip", null), ("jpeg-column", null), ("jpeg-40mp-64-scans", null), ("jpeg-strip-64-scans", null),
        ("jpeg-many-segments", null), ("jpeg-many-exifs", null), ("jpeg-many-tables", "IMAGE_UNREADABLE"), ("jpeg-many-restarts", null), ("jpeg-filling", null), ("jpeg-no-markers", "IMAGE_UNREADABLE"));

    /// <summary>Code of the problem; null where the picture is judged.</summary>
    [Theory]
    [MemberData(nameof(BombNames))]
    public async Task A_bomb_does_no_harm(string name, string? code)
    {
        var bomb = Bombs[name]();
        Assert.True(bomb.Length <= 10 * 1024 * 1024, $"it has {bomb.Length} bytes and would not be fetched");

        // The first picture loads the network.
        Judge(SmallJpeg);
        var (judged, allocated, elapsed) = Judge(bomb);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{bomb.Length:N0} bytes: {allocated:N0} allocated, {elapsed.TotalMilliseconds:N0} ms, {judged}"));
        Assert.Equal(code, judged);
        Assert.InRange(allocated, 0, code is null ? MaxAllocated : MaxAllocatedForNothing);
        Assert.InRange(elapsed, TimeSpan.Zero, Patience);

        Assert.Equal(code, await AskAsync(bomb));
        Assert.Null(await AskAsync(SmallJpeg));
    }

    /// <summary>Files that are two things at once are pictures or none by their first bytes, and judged as the picture alone is.</summary>
    [Theory]
    [InlineData("jpeg+zip", null)]
    [InlineData("jpeg+html", null)]
    [InlineData("jpeg+jpeg", null)]
    [InlineData("jpeg+pdf comment", null)]
    [InlineData("jpeg+script comment", null)]
    [InlineData("jpeg in app", null)]
    [InlineData("png+html", null)]
    [InlineData("png+zip", null)]
    [InlineData("png+html chunk", null)]
    [InlineData("zip+jpeg", "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("gif+jpeg", "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("gif+png", "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("html+png", "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("pdf+jpeg", "FETCH_TYPE_UNSUPPORTED")]
    [InlineData("jpeg mark+png", "IMAGE_UNREADABLE")]
    [InlineData("png mark+jpeg", "IMAGE_UNREADABLE")]
    public async Task A_file_that_is_two_things_is_what_it_begins_with(string name, string? code)
    {
        var html = "<!doctype html><script>alert('SECRET')</script>"u8.ToArray();
        var png = PngEncoder.Encode(Pictures.Workplace());
        var file = name switch
        {
            "jpeg+zip" => [.. Jpeg, .. Zip()],
            "jpeg+html" => [.. Jpeg, .. html],
            "jpeg+jpeg" => [.. Jpeg, .. SmallJpeg],
            "jpeg+pdf comment" => Pictures.With(Jpeg, Pictures.Segment(0xFE, [.. "\n%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert('SECRET'))>>>>"u8])),
            "jpeg+script comment" => Pictures.With(Jpeg, Pictures.Segment(0xFE, [.. "*/=1;alert('SECRET');/*"u8])),
            "jpeg in app" => Pictures.With(Jpeg, Pictures.Segment(0xE2, SmallJpeg)),
            "png+html" => [.. png, .. html],
            "png+zip" => [.. png, .. Zip()],
            "png+html chunk" => [.. png[..33], .. Pictures.Chunks([("tEXt", html)])[8..], .. png[33..]],
            "zip+jpeg" => [.. Zip(), .. Jpeg],
            "gif+jpeg" => [.. "GIF89a/*"u8, .. Jpeg],
            "gif+png" => [.. "GIF87a"u8, .. png],
            "html+png" => [.. html, .. png],
            "pdf+jpeg" => [.. "%PDF-1.7\n"u8, .. Jpeg],
            "jpeg mark+png" => [0xFF, 0xD8, 0xFF, .. png],
            _ => (byte[])[.. png[..8], .. Jpeg],
        };

        Assert.Equal(code, await AskAsync(file));
        if (code is null)
        {
            Assert.Equal(await ConfidenceAsync(name.StartsWith("png", StringComparison.Ordinal) ? png : Jpeg), await ConfidenceAsync(file));
        }
    }

    public static TheoryData<string> Names => [.. Pictures.Stored.Keys.Order(StringComparer.Ordinal), "own.jpg", "own.png"];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_file_that_is_cut_off_anywhere_is_judged_or_a_problem(string name)
    {
        var file = Sound(name);
        for (var part = 0; part < 64; part++)
        {
            var code = await AskAsync(file[..(file.Length * part / 64)]);
            Assert.True(code is "IMAGE_UNREADABLE" or "FETCH_TYPE_UNSUPPORTED" || (code is null && part >= 16), $"{part}/64 of {name}: {code}");
        }

        Assert.Null(await AskAsync(file));
    }

    /// <summary>Through what the route does with the bytes, for the local check and for a model's, without the way there.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_that_is_damaged_anywhere_is_judged_or_refused(string name)
    {
        const int Mutations = 300;
        var (file, judged) = (Sound(name), 0);
        for (var seed = 0; seed < Mutations; seed++)
        {
            var damaged = Damage(file, new Random(seed));
            var (code, allocated, elapsed) = Judge(damaged);
            Assert.True(code is null or "IMAGE_UNREADABLE" or "IMAGE_TOO_LARGE", $"{name}, seed {seed}: {code}");
            Assert.True(allocated <= MaxAllocated && elapsed < Patience, $"{name}, seed {seed}: {allocated} bytes, {elapsed}");
            judged += code is null ? 1 : 0;
            try
            {
                var sent = ImageDecoder.Identify(DeskCheck.Prepare(damaged, CancellationToken.None).Span);
                Assert.True(Math.Max(sent.Width, sent.Height) <= DeskCheck.SentMaxSide, $"{name}, seed {seed}: {sent}");
            }
            catch (ImageFormatException)
            {
                // Refused by the other way, too.
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{judged} of {Mutations} judged in spite of the damage");
        // Not everything that a JPEG has matters for every picture; a PNG has checksums.
        Assert.InRange(judged, name == "own.png" ? 0 : 1, Mutations / 2);
    }

    /// <summary>Every kind that the decoder knows is judged, every other is a problem with its name.</summary>
    [Fact]
    public async Task Every_kind_of_picture_is_judged_or_named()
    {
        (string Name, byte[] File, string? Code)[] kinds =
        [
            .. Pictures.Stored.Select(stored => (stored.Key, stored.Value, (string?)null)),
            .. from kind in new[] { (0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16) }
               from interlaced in new[] { false, true }
               select ($"png {kind.Item1}, {kind.Item2} bits{(interlaced ? ", interlaced" : "")}", PngOf(kind.Item1, kind.Item2, interlaced), (string?)null),
            // Animated: the first picture, which every viewer shows.
            ("apng", WithChunks(("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), ("fcTL", [.. new byte[7], 64, 0, 0, 0, 64, .. new byte[14]]), ("fdAT", [0, 0, 0, 1, .. Rows])), null),
            ("cmyk", [0xFF, 0xD8, .. Pictures.Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]), .. Pictures.Segment(0xC0, Pictures.Frame(64, 64, 4, 0x11, 0)), .. new byte[1000]], "IMAGE_UNREADABLE"),
            ("12 bits", Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg[at + 4] = 12), "IMAGE_UNREADABLE"),
            ("lossless", Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg[at + 1] = 0xC3), "IMAGE_UNREADABLE"),
            ("hierarchical", Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg[at + 1] = 0xC5), "IMAGE_UNREADABLE"),
            ("arithmetic", Pictures.WithFrame(SmallJpeg, (jpeg, at) => jpeg[at + 1] = 0xC9), "IMAGE_UNREADABLE"),
            ("critical chunk", WithChunks(("BOMB", [])), "IMAGE_UNREADABLE"),
            ("gif", [.. "GIF89a"u8, 1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B], "FETCH_TYPE_UNSUPPORTED"),
            ("webp", [.. "RIFF"u8, 26, 0, 0, 0, .. "WEBPVP8L"u8, 13, 0, 0, 0, 0x2F, 0, 0, 0, 0x10, 7, 0x10, 0x11, 0x11, 0x88, 0x88, 0xFE, 7, 0], "FETCH_TYPE_UNSUPPORTED"),
            ("heic", [0, 0, 0, 24, .. "ftypheic"u8, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("avif", [0, 0, 0, 24, .. "ftypavif"u8, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("tiff", [.. "II*\0"u8, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("bmp", [.. "BM"u8, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("jpeg 2000", [0, 0, 0, 12, .. "jP  \r\n\u0087\n"u8, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("jpeg xl", [0xFF, 0x0A, .. new byte[100]], "FETCH_TYPE_UNSUPPORTED"),
            ("svg", [.. "<svg xmlns='http://www.w3.org/2000/svg'/>"u8], "FETCH_TYPE_UNSUPPORTED"),
        ];
        foreach (var (name, file, code) in kinds)
        {
            Assert.True(await AskAsync(file) is var answered && answered == code, $"{name}: {answered}");
        }
    }

    /// <summary>A camera that was held otherwise took the same picture.</summary>
    [Fact]
    public async Task Every_orientation_has_the_same_verdict()
    {
        var upright = Pictures.Workplace();
        var classifier = new PictureClassifier();
        double Resemblance(byte[] file) => classifier.Resemblance(file, DeskLabels.All, DeskPlatform.Cancel)!.Value;
        var (expected, asked) = (Resemblance(JpegEncoder.Encode(upright, 100)), await VerdictAsync(JpegEncoder.Encode(upright, 100)));
        for (var orientation = 1; orientation <= 8; orientation++)
        {
            var file = JpegEncoder.Encode(Pictures.Turned(upright, orientation), 100);
            var told = await VerdictAsync(Pictures.With(file, Pictures.Exif(orientation)));

            Assert.Equal((asked.Classify, asked.Unsure), (told.Classify, told.Unsure));
            Assert.Equal(asked.Confidence, told.Confidence, 0.02);
            // Without a word of how it was held a picture that stands on its head is another one.
            if (orientation is 3 or 4)
            {
                Assert.True(Math.Abs(Resemblance(file) - expected) > 0.04, $"{Resemblance(file)} beside {expected}: this picture tells nothing");
            }
        }
    }

    private static (string? Code, long Allocated, TimeSpan Elapsed) Judge(byte[] file)
    {
        var (before, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        string? code = null;
        try
        {
            // Returns when it is done, on this thread.
            var answering = Check.AnswerAsync([new ChatMessage(ChatRole.User, [new DataContent(file, "image/jpeg")])], DeskPlatform.Cancel);
            Assert.True(answering.IsCompletedSuccessfully);
        }
        catch (ImageTooLargeException)
        {
            code = "IMAGE_TOO_LARGE";
        }
        catch (ImageFormatException)
        {
            code = "IMAGE_UNREADABLE";
        }

        return (code, GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>The code of the problem; null for a judgement.</summary>
    private async Task<string?> AskAsync(byte[] file)
    {
        var (status, answer) = await PostAsync(file);
        var code = answer.TryGetProperty("code", out var told) ? told.GetString() : null;
        Assert.Equal(
            code switch { null => 200, "IMAGE_TOO_LARGE" => 413, _ => 415 }, status);
        Assert.DoesNotContain("SECRET", $"{answer}", StringComparison.Ordinal);
        return code;
    }

    private async Task<double> ConfidenceAsync(byte[] file) => (await VerdictAsync(file)).Confidence;

    private async Task<(bool Classify, double Confidence, bool Unsure)> VerdictAsync(byte[] file)
    {
        var (_, answer) = await PostAsync(file);
        return (answer.GetProperty("classify").GetBoolean(), answer.GetProperty("confidence").GetDouble(), answer.GetProperty("unsure").GetBoolean());
    }

    private async Task<(int Status, JsonElement Answer)> PostAsync(byte[] file)
    {
        desk.Platform.Receiver.Picture = file;
        using var client = desk.Platform.ClientOf("u1");
        using var response = await client.PostAsJsonAsync("/api/v1/desk/classify", new { initial_image_url = desk.Platform.Receiver.PictureUrl, auto_generate = false }, DeskPlatform.Cancel);
        return ((int)response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>(DeskPlatform.Cancel));
    }

    private static byte[] Sound(string name) => name switch { "own.jpg" => SmallJpeg, "own.png" => SmallPng, _ => Pictures.Stored[name] };

    private static byte[] PngOf(int colourType, int depth, bool interlaced)
    {
        var builder = new PngBuilder(40, 30, depth, colourType) { Sample = (x, y, c) => ((x * 31) + (y * 17) + (c * 5)) & ((1 << depth) - 1), Interlaced = interlaced };
        return (colourType == 3 ? builder.With("PLTE", new byte[3 << depth]).With("tRNS", 1, 2) : builder).Build();
    }

    private static byte[] WithChunks(params IEnumerable<(string, byte[])> chunks) => Pictures.Chunks([("IHDR", Header), .. chunks, ("IDAT", Rows), ("IEND", [])]);

    private static byte[] Zip()
    {
        var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("a.html").Open();
            entry.Write(Encoding.ASCII.GetBytes("SECRET"));
        }

        return file.ToArray();
    }

    /// <summary>Bits and bytes changed, parts left out, doubled and moved; checksums of chunks are not mended, <see cref="Imaging"/>'s own tests do that.</summary>
    private static byte[] Damage(byte[] sound, Random random)
    {
        var damaged = sound.ToList();
        for (var count = random.Next(1, 5); count > 0; count--)
        {
            var at = random.Next(2, damaged.Count);
            switch (random.Next(5))
            {
                case 0:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    damaged[at] = (byte)random.Next(256);
                    break;
                case 2:
                    damaged.RemoveRange(at, random.Next(1, Math.Min(50, damaged.Count - at) + 1));
                    break;
                case 3:
                    damaged.InsertRange(at, [0xFF, (byte)random.Next(0xC0, 0x100)]);
                    break;
                default:
                    damaged.InsertRange(random.Next(2, damaged.Count), damaged.GetRange(at, random.Next(1, damaged.Count - at + 1)));
                    break;
            }
        }

        return [.. damaged];
    }

    public sealed class Fixture : IAsyncLifetime
    {
        internal DeskPlatform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await DeskPlatform.StartAsync();

        public async ValueTask DisposeAsync() => await Platform.DisposeAsync();
    }
}
