namespace Ai.Providers.Tests.Google;

public sealed class GeminiChatTests : ChatContract<GeminiFixture>;

public sealed class VertexChatTests : ChatContract<VertexFixture>;
