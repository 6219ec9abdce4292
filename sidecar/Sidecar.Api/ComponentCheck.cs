using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Runtime;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Loading;

namespace Sidecar.Api;

/// <summary>Reads and checks the component files of a run without opening a port or the data of a component, so also while the run lasts.</summary>
public static class ComponentCheck
{
    public static async Task<ComponentReport> RunAsync(SidecarRun run, CancellationToken cancellationToken = default)
    {
        var registry = new ComponentRegistry();
        StandardComponents.AddAll(registry);
        await using var services = new ServiceCollection().AddSingleton(TimeProvider.System).AddSingleton<SidecarFault>().BuildServiceProvider();
        var components = new Dictionary<(string Name, string File), ReportedComponent>();
        var problems = new List<string>();
        foreach (var instance in run.Instances.DistinctBy(instance => instance.AppId))
        {
            try
            {
                var resources = ResourceLoader.Load(instance.ResourcesPaths);
                foreach (var manifest in resources.Components)
                {
                    var key = (manifest.Name, manifest.Source);
                    var known = components.GetValueOrDefault(key) ?? new ReportedComponent(manifest.Name, manifest.Type, manifest.Version, manifest.Source, []);
                    components[key] = manifest.IsFor(instance.AppId) ? known with { Apps = [.. known.Apps, instance.AppId] } : known;
                }

                await using var app = new AppInstance(instance, resources, new AppTimeouts(), TimeProvider.System, NullLoggerFactory.Instance);
                await app.CheckAsync(resources, run, registry, services, cancellationToken);
            }
            catch (ComponentException exception)
            {
                problems.Add(exception.Message);
            }
        }

        return new ComponentReport([.. components.Values], [.. problems.Distinct()]);
    }
}
