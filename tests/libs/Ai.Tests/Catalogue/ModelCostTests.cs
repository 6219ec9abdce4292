using Ai.Calls;
using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Tests.Catalogue;

public sealed class ModelCostTests
{
    private static readonly ModelPrice Text = new(InputPerMillion: 2, OutputPerMillion: 10, CachedInputPerMillion: 0.5m);
    private static readonly ModelPrice Pictures = new(InputPerMillion: 2, OutputPerMillion: 10, PerImage: 0.04m);

    private static ModelInfo Model(ModelPrice price) => new() { Id = "p/m", Provider = "p", Name = "m", Price = price };

    private static ChatCall Chat(ModelInfo model) => new()
    {
        Requested = model, Model = model, Policy = new ModelCallOptions(), Scope = CallScope.None, Messages = [], Streamed = false,
    };

    private static ImageCall Image(ModelInfo model, int? count) => new()
    {
        Requested = model, Model = model, Policy = new ModelCallOptions(), Scope = CallScope.None,
        Request = new ImageGenerationRequest("a desk"), Options = new ImageGenerationOptions { Count = count },
    };

    private static decimal? Of(ModelPrice price, UsageDetails? usage) => ModelCost.Of(Chat(Model(price)), Model(price), usage);

    [Fact]
    public void Tokens_that_the_provider_had_kept_have_their_own_price() =>
        Assert.Equal(0.6m * 2 + 0.4m * 0.5m + 0.1m * 10, Of(Text, new() { InputTokenCount = 1_000_000, CachedInputTokenCount = 400_000, OutputTokenCount = 100_000 }));

    [Fact]
    public void Without_a_price_for_kept_tokens_they_cost_what_others_cost() =>
        Assert.Equal(2m, Of(Text with { CachedInputPerMillion = null }, new() { InputTokenCount = 1_000_000, CachedInputTokenCount = 400_000 }));

    [Fact]
    public void What_is_not_used_needs_no_price() =>
        Assert.Equal(0.02m, Of(new(InputPerMillion: 0.02m), new() { InputTokenCount = 1_000_000 }));

    [Fact]
    public void What_is_used_without_a_price_has_no_known_cost() =>
        Assert.Null(Of(new(InputPerMillion: 2), new() { InputTokenCount = 1, OutputTokenCount = 1 }));

    [Fact]
    public void Without_usage_only_what_is_free_has_a_known_cost() =>
        Assert.Equal((null, 0m), (Of(Text, null), Of(new(0, 0), null)));

    [Theory]
    [InlineData(null, 0.04)]
    [InlineData(3, 0.12)]
    public void Pictures_cost_by_the_piece(int? count, double cost) =>
        Assert.Equal((decimal)cost, ModelCost.Of(Image(Model(Pictures), count), Model(Pictures), new() { InputTokenCount = 500, OutputTokenCount = 1_300 }));

    [Fact]
    public void Pictures_without_a_price_by_the_piece_cost_their_tokens() =>
        Assert.Equal(0.014m, ModelCost.Of(Image(Model(Text), 1), Model(Text), new() { InputTokenCount = 500, OutputTokenCount = 1_300 }));
}
