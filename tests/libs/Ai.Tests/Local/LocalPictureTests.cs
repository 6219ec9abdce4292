using System.Buffers.Binary;
using System.Drawing;
using System.Text;
using Ai.Local;
using Ai.Providers;
using Imaging;
using Microsoft.Extensions.AI;
using Bitmap = Imaging.Bitmap;

namespace Ai.Tests.Local;

/// <summary>Pictures that are composed and say so.</summary>
public sealed class LocalPictureTests
{
    private static IImageGenerator Generator() =>
        new LocalProvider([]).CreateImages(new ProviderConnection("local", new ProviderOptions(), Key: null, new HttpClient()), "local");

    private static async Task<byte[][]> DrawAsync(string prompt, Size size, int count = 1, params AIContent[] references)
    {
        var response = await Generator().GenerateAsync(
            new ImageGenerationRequest(prompt, references), new ImageGenerationOptions { ImageSize = size, Count = count }, TestContext.Current.CancellationToken);
        Assert.Equal(count, response.Contents.Count);
        return [.. response.Contents.Cast<DataContent>().Select(content =>
        {
            Assert.Equal(("image/png", "local"), (content.MediaType, content.AdditionalProperties!["provider"]));
            return content.Data.ToArray();
        })];
    }

    [Theory]
    [InlineData(1024, 1024)]
    [InlineData(640, 360)]
    [InlineData(16, 2048)]
    public async Task Has_the_size_that_was_asked_for(int width, int height)
    {
        var file = Assert.Single(await DrawAsync("초록 숲", new Size(width, height)));

        var picture = ImageDecoder.Decode(file);
        Assert.Equal((width, height), (picture.Width, picture.Height));
        Assert.True(picture.Pixels.ToArray().Distinct().Count() > 20);
    }

    [Fact]
    public async Task Says_in_the_file_who_made_it()
    {
        var file = Assert.Single(await DrawAsync("숲", new Size(64, 64)));

        Assert.Equal(["provider\0local", "Software\0Tandem", "Comment\0composed without an image model"], Texts(file));
    }

    [Fact]
    public async Task Makes_a_jpeg_for_those_who_ask_for_one_and_says_there_who_made_it()
    {
        var response = await Generator().GenerateAsync(
            new ImageGenerationRequest("숲"), new ImageGenerationOptions { ImageSize = new Size(64, 48), MediaType = "image/jpeg" }, TestContext.Current.CancellationToken);

        var file = Assert.Single(response.Contents.OfType<DataContent>());
        var info = ImageDecoder.Identify(file.Data.Span);
        Assert.Equal(("image/jpeg", ImageFormat.Jpeg, 64, 48), (file.MediaType, info.Format, info.Width, info.Height));
        Assert.True(file.Data.Span.IndexOf("provider=local; Tandem; composed without an image model"u8) > 0);
        Assert.True(ImageDecoder.Decode(file.Data).Pixels.ToArray().Distinct().Count() > 20);
    }

    [Fact]
    public async Task The_same_request_gives_the_same_picture_and_another_prompt_another()
    {
        var size = new Size(80, 60);

        Assert.Equal(await DrawAsync("숲", size), await DrawAsync("숲", size));
        Assert.NotEqual(await DrawAsync("숲", size), await DrawAsync("바다", size));
        var several = await DrawAsync("숲", size, count: 3);
        Assert.Equal(3, several.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public async Task Reference_pictures_stand_in_it_whole()
    {
        var red = new Bitmap(30, 30);
        var blue = new Bitmap(20, 60);
        Fill(red, 250, 0, 0);
        Fill(blue, 0, 0, 250);

        var file = Assert.Single(await DrawAsync(
            "put them side by side", new Size(400, 300), 1,
            new DataContent(PngEncoder.Encode(red), "image/png"), new DataContent(JpegEncoder.Encode(blue), "image/jpeg")));

        var picture = ImageDecoder.Decode(file);
        Assert.Equal((250, 0, 0), At(picture, 112, 150));
        var (r, _, b) = At(picture, 288, 150);
        Assert.True(r < 20 && b > 230);
    }

    [Theory]
    [InlineData(8, 64, 1, ModelFailure.BadRequest)]
    [InlineData(64, 4096, 1, ModelFailure.BadRequest)]
    [InlineData(64, 64, 0, ModelFailure.BadRequest)]
    [InlineData(64, 64, 5, ModelFailure.BadRequest)]
    public async Task Refuses_what_it_does_not_make(int width, int height, int count, ModelFailure failure) =>
        Assert.Equal(failure, (await Assert.ThrowsAsync<ModelException>(() => DrawAsync("x", new Size(width, height), count))).Failure);

    [Fact]
    public async Task Refuses_references_that_it_cannot_read_and_addresses()
    {
        var size = new Size(64, 64);

        Assert.Equal(ModelFailure.BadRequest, (await Assert.ThrowsAsync<ModelException>(
            () => DrawAsync("x", size, 1, new DataContent(new byte[] { 1, 2, 3 }, "image/png")))).Failure);
        Assert.Equal(ModelFailure.CapabilityMissing, (await Assert.ThrowsAsync<ModelException>(
            () => DrawAsync("x", size, 1, new UriContent("http://127.0.0.1/a.png", "image/png")))).Failure);
        var one = new DataContent(PngEncoder.Encode(new Bitmap(4, 4)), "image/png");
        Assert.Equal(ModelFailure.BadRequest, (await Assert.ThrowsAsync<ModelException>(() => DrawAsync("x", size, 1, one, one, one, one, one))).Failure);
        Assert.Equal(ModelFailure.CapabilityMissing, (await Assert.ThrowsAsync<ModelException>(
            () => Generator().GenerateAsync(new ImageGenerationRequest("x"), new ImageGenerationOptions { MediaType = "image/webp" }))).Failure);
    }

    [Fact]
    public async Task Stops_when_cancelled() => await Assert.ThrowsAnyAsync<OperationCanceledException>(
        () => Generator().GenerateAsync(new ImageGenerationRequest("x"), cancellationToken: new CancellationToken(canceled: true)));

    private static void Fill(Bitmap picture, byte r, byte g, byte b)
    {
        for (var at = 0; at < picture.Pixels.Length; at += Bitmap.Channels)
        {
            (picture.Pixels[at], picture.Pixels[at + 1], picture.Pixels[at + 2]) = (r, g, b);
        }
    }

    private static (int R, int G, int B) At(Bitmap picture, int x, int y)
    {
        var row = picture.Row(y);
        return (row[x * Bitmap.Channels], row[(x * Bitmap.Channels) + 1], row[(x * Bitmap.Channels) + 2]);
    }

    private static string[] Texts(byte[] file)
    {
        var texts = new List<string>();
        for (var at = 8; at < file.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            if (Encoding.ASCII.GetString(file, at + 4, 4) == "tEXt")
            {
                texts.Add(Encoding.Latin1.GetString(file, at + 8, length));
            }

            at += length + 12;
        }

        return [.. texts];
    }
}
