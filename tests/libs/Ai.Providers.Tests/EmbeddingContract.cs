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
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Tells_statuses_apart(int status)
    {
        Server.Next(ModelReply.Status(status, retryAfter: TimeSpan.FromSeconds(17)));

        var failure = await FailsAsync(ModelFailures.OfStatus(status), AskAsync);

        Assert.Equal((status, TimeSpan.FromSeconds(17)), (failure.Status, failure.RetryAfter));
        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task Tells_what_else_went_wrong()
    {
        Server.Next(ModelReply.QuotaExhausted, ModelReply.MalformedJson, ModelReply.CutBeforeFirstByte, ModelReply.Cut());

        await FailsAsync(ModelFailure.QuotaExhausted, AskAsync);
        await FailsAsync(ModelFailure.Malformed, AskAsync);
        await FailsAsync(ModelFailure.NoFirstByte, AskAsync);
        await FailsAsync(ModelFailure.Cut, AskAsync);
        await FailsAsync(ModelFailure.Unreachable, () => Generator(Nobody()).GenerateAsync([Prompt], cancellationToken: Cancellation));
    }

    [Fact]
    public async Task Ends_when_its_caller_cancels()
    {
        Server.Next(ModelReply.SlowFirstByte(Task.Delay(Timeout.Infinite, Cancellation)));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var call = Generator().GenerateAsync(Texts, cancellationToken: cancel.Token);
        await ReceivedAsync();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Soon, Cancellation));
        await AbortedAsync();
    }

    private Task AskAsync() => Generator().GenerateAsync([Prompt], cancellationToken: Cancellation);
}
