namespace Ai.Providers.Tests.Google;

public sealed class GeminiChatTests : ChatContract<GeminiFixture>;

public sealed class GeminiEmbeddingTests : EmbeddingContract<GeminiFixture>;

public sealed class GeminiImageTests : ImageContract<GeminiFixture>;

public sealed class GeminiModelListTests : ModelListContract<GeminiFixture>;

public sealed class VertexChatTests : ChatContract<VertexFixture>;

public sealed class VertexEmbeddingTests : EmbeddingContract<VertexFixture>;

public sealed class VertexImageTests : ImageContract<VertexFixture>;

public sealed class VertexModelListTests : ModelListContract<VertexFixture>;
