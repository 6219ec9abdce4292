using Contracts;
using ServiceContract;

namespace Sse.Tests;

/// <summary>The document of sse, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<SseService>(Apps.Sse);
