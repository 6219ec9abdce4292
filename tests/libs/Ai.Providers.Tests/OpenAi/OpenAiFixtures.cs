using Ai.Providers.OpenAi;
using ModelServers;
using ModelServers.OpenAi;

namespace Ai.Providers.Tests.OpenAi;

/// <summary>OpenAI, chat completions.</summary>
public sealed class OpenAiFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new OpenAiProtocol();

    public override IModelProvider Provider { get; } = new OpenAiProvider();

    public override string Model => "gpt-5.2";

    public override string? EmbeddingModel => "text-embedding-3-small";

    public override string? ImageModel => "gpt-image-1.5";

    public override IReadOnlyList<string> Models => OpenAiProtocol.Models;

    // It draws three sizes; the nearest in shape is asked for.
    public override string? SizeOf(int width, int height) => width > height ? "1536x1024" : width < height ? "1024x1536" : "1024x1024";
}

/// <summary>OpenAI, Responses API.</summary>
public sealed class OpenAiResponsesFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new OpenAiProtocol();

    public override IModelProvider Provider { get; } = new OpenAiProvider();

    public override string Model => "gpt-5.2";

    public override ProviderOptions Options(Uri baseUrl) => new() { Kind = "openai", BaseUrl = baseUrl, Api = "responses" };
}

/// <summary>A compatible server that leaves out what it can: no key, no usage, no ids.</summary>
public sealed class CompatibleFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new OpenAiProtocol { Compatible = true };

    public override IModelProvider Provider { get; } = new OpenAiProvider();

    public override string Model => "llama3.2";

    public override string? EmbeddingModel => "nomic-embed-text";

    public override string? ImageModel => "stable-diffusion";

    public override IReadOnlyList<string> Models => OpenAiProtocol.Models;

    public override string? Key => null;

    public override bool TellsUsage => false;

    public override bool TellsToolCallIds => false;
}
