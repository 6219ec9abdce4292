using Microsoft.Extensions.AI;

namespace Ai.Providers.Tests;

/// <summary>What the embedding client of every provider does, whether there is a server behind it or not.</summary>
public abstract class EmbeddingBasics<TFixture> : ProviderContract<TFixture> where TFixture : ProviderFixture, new()
{
    protected static readonly string[] Texts = ["유리병", "페트병과 뚜껑", "종이"];

    protected IEmbeddingGenerator<string, Embedding<float>> Generator(Uri? address = null) =>
        Fixture.Provider.CreateEmbeddings(Connection(address), Fixture.EmbeddingModel!)!;

    [Fact]
    public async Task Gives_each_text_its_vector_of_the_dimension_that_was_asked()
    {
        var options = new EmbeddingGenerationOptions { Dimensions = 16 };

        var together = await Generator().GenerateAsync(Texts, options, Cancellation);

        Assert.Equal(Texts.Length, together.Count);
        for (var i = 0; i < Texts.Length; i++)
        {
            var alone = Assert.Single(await Generator().GenerateAsync([Texts[i]], options, Cancellation));
            Assert.Equal(16, alone.Vector.Length);
            Assert.Equal(alone.Vector.ToArray(), together[i].Vector.ToArray());
        }
    }

    [Fact]
    public async Task Needs_no_request_for_no_texts()
    {
        Assert.Empty(await Generator().GenerateAsync([], cancellationToken: Cancellation));

        Assert.Empty(Server.Requests);
    }

    [Fact]
    public void Says_who_it_is()
    {
        var metadata = Generator().GetService<EmbeddingGeneratorMetadata>()!;

        Assert.Equal(("contract", Fixture.EmbeddingModel), (metadata.ProviderName, metadata.DefaultModelId));
    }

    [Fact]
    public async Task Does_nothing_for_a_caller_who_has_gone()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Generator().GenerateAsync(Texts, cancellationToken: new CancellationToken(canceled: true)));

        Assert.Empty(Server.Requests);
    }
}
