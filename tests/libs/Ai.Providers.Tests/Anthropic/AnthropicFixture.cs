using Ai.Providers.Anthropic;
using ModelServers;
using ModelServers.Anthropic;

namespace Ai.Providers.Tests.Anthropic;

public sealed class AnthropicFixture : ProviderFixture
{
    public override IModelProtocol Protocol { get; } = new AnthropicProtocol();

    public override IModelProvider Provider { get; } = new AnthropicProvider();

    public override string Model => "claude-sonnet-5";

    public override bool TakesTemperature => false;
}

public sealed class AnthropicChatTests : ChatContract<AnthropicFixture>;
