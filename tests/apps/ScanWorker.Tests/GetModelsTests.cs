using System.Text.Json;
using Ai.Catalogue;
using Contracts.Models;
using Microsoft.AspNetCore.Http.HttpResults;
using ScanWorker.Features;
using ServiceDefaults;

namespace ScanWorker.Tests;

public sealed class GetModelsTests
{
    [Fact]
    public async Task Lists_what_models_can_do_and_cost_and_whether_they_are_there()
    {
        var models = new Models(
            new ModelStatus(
                new ModelInfo
                {
                    Id = "openai/gpt-5.2", Provider = "openai", Name = "gpt-5.2", DisplayName = "GPT-5.2", Aliases = ["five"], ContextTokens = 400_000, OutputTokens = 128_000,
                    Capabilities = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.JsonSchema | ModelCapabilities.Streaming,
                    Price = new ModelPrice(1.75m, 14) { Date = new DateOnly(2026, 7, 2), Source = "a page" },
                },
                Available: true, Reason: null),
            new ModelStatus(
                new ModelInfo { Id = "ollama/x", Provider = "ollama", Name = "x", Capabilities = ModelCapabilities.Embeddings }, Available: false, "unreachable"));

        var answer = (Ok<ModelEntry[]>)await GetModels.HandleAsync(models, CancellationToken.None);

        Assert.Equal(
            """
            [{"id":"openai/gpt-5.2","provider":"openai","name":"gpt-5.2","display_name":"GPT-5.2","aliases":["five"],"is_default":true,"context_window":400000,"max_output":128000,"supports_stream":true,"supports_vision":true,"capabilities":["chat","vision","json_schema","streaming"],"price":{"input_per_million":1.75,"output_per_million":14,"date":"2026-07-02","source":"a page"},"available":true},{"id":"ollama/x","provider":"ollama","name":"x","display_name":"x","aliases":[],"is_default":false,"supports_stream":false,"supports_vision":false,"capabilities":["embeddings"],"available":false,"reason":"unreachable"}]
            """,
            JsonSerializer.Serialize(answer.Value, TandemJson.Options));
    }

    private sealed class Models(params ModelStatus[] all) : IModelAvailability
    {
        public Task<IReadOnlyList<ModelStatus>> ListAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ModelStatus>>(all);
    }
}
