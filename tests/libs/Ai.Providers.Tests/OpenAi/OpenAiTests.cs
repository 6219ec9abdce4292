namespace Ai.Providers.Tests.OpenAi;

public sealed class OpenAiChatTests : ChatContract<OpenAiFixture>;

public sealed class CompatibleChatTests : ChatContract<CompatibleFixture>;
