using System.Text;
using System.Text.Json;
using Desk.Vision;
using Imaging;
using Microsoft.Extensions.Logging;
using ModelServers;
using ModelServers.OpenAi;

namespace Desk.Tests;

/// <summary>What a model is sent of a photo, and what of it is told to anybody else: the pixels to the one, nothing to the other.</summary>
public sealed class PicturePrivacyTests
{
    private const string Place = "GPS-37.5665N-126.9780E";

    public static TheoryData<string> Carriers => ["exif", "exif behind the picture's header", "xmp", "iptc", "comment", "behind the end", "png text", "png exif", "png behind the end"];

    [Theory]
    [MemberData(nameof(Carriers))]
    public async Task What_a_camera_writes_into_its_files_stays_here(string carrier)
    {
        var place = Encoding.ASCII.GetBytes(Place);
        var (jpeg, png) = (JpegEncoder.Encode(Pictures.Workplace()), PngEncoder.Encode(Pictures.Workplace()));
        byte[] xmp = [.. "http://ns.adobe.com/xap/1.0/\0"u8, .. "<x:xmpmeta xmlns:x='adobe:ns:meta/'><exif:GPSLatitude>"u8, .. place, .. "</exif:GPSLatitude></x:xmpmeta>"u8];
        await AssertStaysAsync(carrier switch
        {
            "exif" => Pictures.With(jpeg, Pictures.Exif(6, Place)),
            "exif behind the picture's header" => Inserted(jpeg, Pictures.Exif(1, Place)),
            "xmp" => Pictures.With(jpeg, Pictures.Segment(0xE1, xmp)),
            "iptc" => Pictures.With(jpeg, Pictures.Segment(0xED, [.. "Photoshop 3.0\0"u8, .. "8BIM"u8, 4, 4, 0, 0, 0, 0, 0, (byte)place.Length, .. place])),
            "comment" => Pictures.With(jpeg, Pictures.Segment(0xFE, place)),
            "behind the end" => [.. jpeg, .. place],
            "png text" => [.. png[..33], .. Pictures.Chunks([("tEXt", [.. "Location\0"u8, .. place])])[8..], .. png[33..]],
            "png exif" => [.. png[..33], .. Pictures.Chunks([("eXIf", Pictures.Exif(1, Place)[10..])])[8..], .. png[33..]],
            _ => [.. png, .. place],
        });

        static byte[] Inserted(byte[] jpeg, byte[] segment)
        {
            var at = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
            return [.. jpeg[..at], .. segment, .. jpeg[at..]];
        }
    }

    /// <summary>A model costs by the pixel: a strip is made as small as any other picture.</summary>
    [Theory]
    [InlineData(4000, 3000)]
    [InlineData(3000, 4000)]
    [InlineData(640, 480)]
    [InlineData(30, 20)]
    [InlineData(60_000, 600)]
    [InlineData(600, 60_000)]
    [InlineData(65_535, 1)]
    public void No_more_is_sent_than_a_model_needs(int width, int height)
    {
        var sent = ImageDecoder.Identify(DeskCheck.Prepare(Pictures.FlatJpeg(width, height), CancellationToken.None).Span);

        Assert.Equal(ImageFormat.Jpeg, sent.Format);
        Assert.InRange(Math.Max(sent.Width, sent.Height), 1, Math.Min(DeskCheck.SentMaxSide, Math.Max(width, height)));
        // The shape is kept, as far as whole pixels allow.
        var longest = Math.Max(sent.Width, sent.Height);
        Assert.Equal(Math.Max(1, Math.Min(width, height) * (double)longest / Math.Max(width, height)), Math.Min(sent.Width, sent.Height), 1.0);
        Assert.Equal(width > height, sent.Width > sent.Height);
    }

    private static async Task AssertStaysAsync(byte[] photo)
    {
        Assert.True(photo.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Place)) >= 0, "the picture does not have what is looked for");
        await using var model = await ModelServer.StartAsync(new OpenAiProtocol());
        model.Brain = _ => ModelReply.Text("""{"is_desk":true,"confidence":0.9}""");
        await using var platform = await DeskPlatform.StartAsync(
            null, ("Ai:Providers:openai:BaseUrl", $"{model.Address}v1"), ("Ai:Providers:openai:Keys:0:Value", "sk-openai-0123456789abcdefghijklmnop"), ("Ai:Model", "openai/gpt-5.2"),
            ("Logging:LogLevel:Default", "Trace"));
        platform.Receiver.Picture = photo;

        var answer = await platform.ClassifyAsync();
        await platform.EndOfAsync(answer.GetProperty("callback_id").GetString()!);

        Assert.Equal((true, "openai"), (answer.GetProperty("classify").GetBoolean(), answer.GetProperty("provider").GetString()));
        var request = Assert.Single(model.Requests);
        var sent = Assert.Single(request.Messages.SelectMany(message => message.Pictures));
        Assert.Equal("image/jpeg", sent.MediaType);
        AssertFree(sent.Bytes, "the picture that was sent");
        foreach (var mark in new[] { "Exif", "http://ns.adobe.com", "Photoshop", "GPS" })
        {
            Assert.True(sent.Bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(mark)) < 0, $"{mark} was sent");
        }

        // Base64 has three ways to write the same bytes; the pictures were looked into above.
        AssertFree(Encoding.UTF8.GetBytes(request.Raw.ToJsonString()), "the request");
        AssertFree(Encoding.UTF8.GetBytes($"{platform.Dapr.Logs}"), "the log");
        AssertFree(Encoding.UTF8.GetBytes($"{answer}"), "the answer");
        AssertFree(Encoding.UTF8.GetBytes(string.Join('\n', platform.Dapr.Published.Select(message => $"{message.Payload<JsonElement>()}"))), "what was published");
        AssertFree(Encoding.UTF8.GetBytes(Assert.Single(platform.Receiver.Attempts).Body), "the callback");
        Assert.True(platform.Dapr.Logs.Entries.Any(entry => entry.Level == LogLevel.Debug && entry.Source == "desk"), $"the log is not that of a desk that tells everything: {platform.Dapr.Logs}");
    }

    private static void AssertFree(byte[] told, string what) => Assert.True(told.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Place)) < 0, $"the place is in {what}");
}
