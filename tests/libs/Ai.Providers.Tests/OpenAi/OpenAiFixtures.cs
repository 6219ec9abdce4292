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
}

/// <summary>A compatible server that leaves out what it can: no key, no usage, no ids.</summary>
public sealed class CompatibleFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new OpenAiProtocol { Compatible = true };

    public override IModelProvider Provider { get; } = new OpenAiProvider();

    public override string Model => "llama3.2";

    public override string? Key => null;

    public override bool TellsUsage => false;

    public override bool TellsToolCallIds => false;
}
