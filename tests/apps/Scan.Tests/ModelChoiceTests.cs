using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Models;
using Microsoft.AspNetCore.Http;
using ServiceDefaults;

namespace Scan.Tests;

/// <summary>Which models a scan may name.</summary>
public sealed class ModelChoiceTests
{
    private static readonly ModelEntry[] Models =
    [
        Entry("openai/gpt-5.2", "gpt-5.2", "chat", "vision", "json_schema"), Entry("ollama/llama3.2:3b", "llama3.2:3b", "chat", "vision", "json_schema"),
        Entry("openai/gpt-5.2-chat-latest", "gpt-5.2-chat-latest", "chat", "vision", "json_schema") with { Aliases = ["gpt-5.2-instant"], Available = false, Reason = "unreachable" },
        Entry("openai/text-embedding-3-small", "text-embedding-3-small", "embeddings"),
    ];

    [Theory]
    [InlineData("openai/gpt-5.2")]
    [InlineData("GPT-5.2")]
    [InlineData("gpt-5.2-instant")]
    [InlineData("ollama/llama3.2:3b")]
    public async Task Takes_ids_names_and_aliases(string model)
    {
        await using var app = await StartAsync();
        using var client = app.ClientOf("u1");

        using var response = await app.SubmitAsync(client, model: model);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains($"\"model\":\"{model}\"", Assert.Single(app.Sidecar.Published).Json);
    }

    [Theory]
    [InlineData("gpt-9", "model 'gpt-9' is not supported; supported: openai/gpt-5.2, ollama/llama3.2:3b, openai/gpt-5.2-chat-latest")]
    [InlineData("openai/text-embedding-3-small", "model 'openai/text-embedding-3-small' cannot do a scan; supported: openai/gpt-5.2, ollama/llama3.2:3b, openai/gpt-5.2-chat-latest")]
    public async Task Refuses_others_with_the_list_of_those_that_it_takes(string model, string detail)
    {
        await using var app = await StartAsync();
        using var client = app.ClientOf("u1");

        using var response = await app.SubmitAsync(client, model: model);

        var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((400, "UNSUPPORTED_MODEL", detail), ((int)response.StatusCode, problem.GetProperty("code").GetString(), problem.GetProperty("detail").GetString()));
        Assert.Empty(app.Jobs);
    }

    private static ModelEntry Entry(string id, string name, params string[] capabilities) => new(
        id, id.Split('/')[0], name, name, [], IsDefault: false, ContextWindow: null, MaxOutput: null, SupportsStream: true, capabilities.Contains("vision"), capabilities,
        MaxReferenceImages: null, Price: null, Available: true, Reason: null);

    private static async Task<ScanApp> StartAsync()
    {
        var app = await ScanApp.StartAsync();
        app.Sidecar.Apps["scan-worker"] = (http, path) => http.Response.WriteAsJsonAsync(path == "/internal/models" ? Models : [], TandemJson.Options);
        return app;
    }
}
