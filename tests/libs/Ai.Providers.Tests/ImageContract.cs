using System.Drawing;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>What the picture client of every provider with a server does.</summary>
public abstract class ImageContract<TFixture> : ImageBasics<TFixture> where TFixture : ProviderFixture, new()
{
    private static readonly byte[] Drawn = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3];

    [Fact]
    public async Task Draws_from_text()
    {
        Server.Next(ModelReply.Picture(Drawn));

        var response = await Generator().GenerateAsync(new ImageGenerationRequest(Prompt), cancellationToken: Cancellation);

        AssertDrawn(response);
        Assert.Equal((Fixture.ImageModel, Fixture.Credential, Prompt), (Request.Model, Request.Key, Request.Question));
        Assert.False(Request.HasPicture);
        if (Fixture.TellsUsage)
        {
            Assert.True(response.Usage!.OutputTokenCount > 0);
        }
    }

    private static void AssertDrawn(ImageGenerationResponse response)
    {
        var picture = Assert.Single(response.Contents.OfType<DataContent>());
        Assert.Equal("image/png", picture.MediaType);
        Assert.Equal(Drawn, picture.Data.ToArray());
    }

    [Fact]
    public async Task Draws_from_reference_pictures()
    {
        Server.Next(ModelReply.Picture(Drawn));
        byte[] second = [0x89, 0x50, 0x4E, 0x47, 9];

        var response = await Generator().GenerateAsync(
            new ImageGenerationRequest("put it on a beach", [new DataContent(Picture, "image/jpeg"), new DataContent(second, "image/png")]),
            cancellationToken: Cancellation);

        AssertDrawn(response);
        var message = Assert.Single(Request.Messages);
        Assert.Equal("put it on a beach", message.Text);
        Assert.Equal(["image/jpeg", "image/png"], message.Pictures.Select(picture => picture.MediaType));
        Assert.Equal(new[] { Picture, second }, message.Pictures.Select(picture => picture.Bytes));
        Assert.Empty(Server.Rejected);
    }

    [Theory]
    [InlineData(1024, 1024)]
    [InlineData(1536, 1024)]
    [InlineData(1024, 1536)]
    [InlineData(640, 360)]
    public async Task Asks_for_the_size(int width, int height)
    {
        await Generator().GenerateAsync(
            new ImageGenerationRequest(Prompt), new ImageGenerationOptions { ImageSize = new Size(width, height) }, Cancellation);

        Assert.Equal(Fixture.SizeOf(width, height), Request.Size);
        Assert.Empty(Server.Rejected);
    }

    [Fact]
    public async Task Reports_that_the_provider_declines()
    {
        Server.Next(ModelReply.NoPicture());

        await FailsAsync(ModelFailure.Refused, () => AskAsync(null, Cancellation));
    }

    [Theory]
    [MemberData(nameof(Statuses))]
    public Task Tells_statuses_apart(int status) => TellsStatusAsync(status, AskAsync);

    [Fact]
    public Task Tells_what_else_went_wrong() => TellsWhatElseWentWrongAsync(AskAsync);

    [Fact]
    public Task Ends_when_its_caller_cancels() => EndsWhenCancelledAsync(ModelReply.SlowFirstByte(Task.Delay(Timeout.Infinite, Cancellation)), AskAsync);

    private Task AskAsync(Uri? address, CancellationToken cancellationToken) => Generator(address).GenerateAsync(new ImageGenerationRequest(Prompt), cancellationToken: cancellationToken);
}
