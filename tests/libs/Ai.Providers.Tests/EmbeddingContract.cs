using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>What the embedding client of every provider with a server does.</summary>
public abstract class EmbeddingContract<TFixture> : EmbeddingBasics<TFixture> where TFixture : ProviderFixture, new()
{
    [Fact]
    public async Task Keeps_the_order_of_the_texts_and_tells_the_tokens()
    {
        Server.Next(ModelReply.Embeddings(16));

        var embeddings = await Generator().GenerateAsync(Texts, cancellationToken: Cancellation);

        Assert.Equal(Texts.Select(text => EmbeddingsReply.Of(text, 16)), embeddings.Select(embedding => embedding.Vector.ToArray()));
        Assert.Equal((Fixture.EmbeddingModel, Fixture.Credential), (Request.Model, Request.Key));
        Assert.Equal(Texts, Request.Messages.Select(message => message.Text));
        if (Fixture.TellsEmbeddingUsage)
        {
            Assert.True(embeddings.Usage!.InputTokenCount > 0);
        }
    }

    [Fact]
    public async Task Asks_for_the_dimension()
    {
        var embeddings = await Generator().GenerateAsync(["종이"], new EmbeddingGenerationOptions { Dimensions = 4 }, Cancellation);

        Assert.Equal(4, Request.Dimensions);
        Assert.Equal(4, Assert.Single(embeddings).Vector.Length);
    }

    [Theory]
    [MemberData(nameof(Statuses))]
    public Task Tells_statuses_apart(int status) => TellsStatusAsync(status, AskAsync);

    [Fact]
    public Task Tells_what_else_went_wrong() => TellsWhatElseWentWrongAsync(AskAsync);

    [Fact]
    public Task Ends_when_its_caller_cancels() => EndsWhenCancelledAsync(ModelReply.SlowFirstByte(Task.Delay(Timeout.Infinite, Cancellation)), AskAsync);

    private Task AskAsync(Uri? address, CancellationToken cancellationToken) => Generator(address).GenerateAsync([Prompt], cancellationToken: cancellationToken);
}
