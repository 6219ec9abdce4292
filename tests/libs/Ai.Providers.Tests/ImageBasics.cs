using Imaging;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>What the picture client of every provider does, whether there is a server behind it or not.</summary>
public abstract class ImageBasics<TFixture> : ProviderContract<TFixture> where TFixture : ProviderFixture, new()
{
    protected IImageGenerator Generator(Uri? address = null) => Fixture.Provider.CreateImages(Connection(address), Fixture.ImageModel!)!;

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task Gives_a_picture_with_and_without_references(int references)
    {
        var picture = PngEncoder.Encode(new Bitmap(8, 8));
        Server.Next(ModelReply.Picture(picture));

        var response = await Generator().GenerateAsync(
            new ImageGenerationRequest(Prompt, [.. Enumerable.Repeat(new DataContent(picture, "image/png"), references)]), cancellationToken: Cancellation);

        var drawn = Assert.Single(response.Contents.OfType<DataContent>());
        Assert.Equal("image/png", drawn.MediaType);
        Assert.Equal(ImageFormat.Png, ImageDecoder.Identify(drawn.Data.Span).Format);
    }

    [Fact]
    public void Says_who_it_is()
    {
        var metadata = Generator().GetService<ImageGeneratorMetadata>()!;

        Assert.Equal(("contract", Fixture.ImageModel), (metadata.ProviderName, metadata.DefaultModelId));
    }

    [Fact]
    public async Task Refuses_references_that_are_no_pictures()
    {
        await FailsAsync(ModelFailure.CapabilityMissing, () => Generator().GenerateAsync(
            new ImageGenerationRequest(Prompt, [new DataContent(new byte[] { 1 }, "application/pdf")]), cancellationToken: Cancellation));

        Assert.Empty(Server.Requests);
    }

    [Fact]
    public async Task Does_nothing_for_a_caller_who_has_gone()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Generator().GenerateAsync(new ImageGenerationRequest(Prompt), cancellationToken: new CancellationToken(canceled: true)));

        Assert.Empty(Server.Requests);
    }
}
