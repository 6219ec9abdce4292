namespace Ai.Providers.Tests.OpenAi;

public sealed class OpenAiChatTests : ChatContract<OpenAiFixture>;

public sealed class OpenAiResponsesTests : ChatContract<OpenAiResponsesFixture>;

public sealed class CompatibleChatTests : ChatContract<CompatibleFixture>;

public sealed class OpenAiEmbeddingTests : EmbeddingContract<OpenAiFixture>;

public sealed class CompatibleEmbeddingTests : EmbeddingContract<CompatibleFixture>;

public sealed class OpenAiImageTests : ImageContract<OpenAiFixture>;

public sealed class CompatibleImageTests : ImageContract<CompatibleFixture>;

public sealed class OpenAiModelListTests : ModelListContract<OpenAiFixture>;

public sealed class CompatibleModelListTests : ModelListContract<CompatibleFixture>;
