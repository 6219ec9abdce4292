using System.Reflection;
using Contracts;
using Microsoft.AspNetCore.Routing;
using ServiceContract;

namespace Gateway.Tests;

/// <summary>The document of the gateway's own routes, and whom the others answer.</summary>
public sealed class ContractTests() : AppContract<GatewayService>(Apps.Gateway)
{
    protected override bool IsEdge => true;

    protected override bool HasDocument(RouteEndpoint route) => route.Metadata.GetMetadata<MethodInfo>() is not null;
}
