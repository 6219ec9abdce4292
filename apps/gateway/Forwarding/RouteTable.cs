using Microsoft.Extensions.Configuration.Json;

namespace Gateway.Forwarding;

/// <summary>The shipped route table, below every other source of configuration, so that any line of it can be overridden.</summary>
internal static class RouteTable
{
    public static void AddRouteTable(this IConfigurationManager configuration)
    {
        var file = new JsonConfigurationSource { Path = Path.Combine(AppContext.BaseDirectory, "gateway.routes.json") };
        file.ResolveFileProvider();
        configuration.Sources.Insert(0, file);
    }
}
