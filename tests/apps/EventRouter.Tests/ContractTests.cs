using Contracts;
using ServiceContract;

namespace EventRouter.Tests;

/// <summary>The document of event-router, and whom it answers.</summary>
public sealed class ContractTests() : AppContract<EventRouterService>(Apps.EventRouter);
