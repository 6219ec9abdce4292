using Sidecar.Abstractions;
using Sidecar.Components.Aws;
using Sidecar.Components.InMemory;
using Sidecar.Components.PostgreSql;
using Sidecar.Components.Redis;
using Sidecar.Components.RabbitMq;
using Sidecar.Components.Standard;
using Sidecar.Components.Tandem;

namespace Sidecar.Api;

/// <summary>The component types of this build; an adapter project adds its line here.</summary>
public static class StandardComponents
{
    /// <summary>Adds all of them.</summary>
    public static void AddAll(ComponentRegistry registry)
    {
        registry.AddTandem();
        registry.AddInMemory();
        registry.AddRedis();
        registry.AddRabbitMq();
        registry.AddStandard();
        registry.AddAws();
        registry.AddPostgreSql();
    }
}
