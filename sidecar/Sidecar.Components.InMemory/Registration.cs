using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;

namespace Sidecar.Components.InMemory;

/// <summary>Adds the component types that keep their data in the memory of the process.</summary>
public static class InMemoryComponents
{
    /// <summary>
    /// Adds <c>state.in-memory</c> and <c>pubsub.in-memory</c>. Instances made from one registry share data by component name.
    /// </summary>
    public static ComponentRegistry AddInMemory(this ComponentRegistry registry)
    {
        var tables = new ConcurrentDictionary<string, InMemoryTable>(StringComparer.Ordinal);
        var brokers = new ConcurrentDictionary<string, MessageBroker>(StringComparer.Ordinal);
        return registry
            .Add("state.in-memory", context => new InMemoryStateStore(
                tables.GetOrAdd(context.Name, name => new InMemoryTable(name)), Time(context)))
            .Add("pubsub.in-memory", context => new InMemoryPubSub(
                context, brokers.GetOrAdd(context.Name, name => new MessageBroker(name, Time(context), journal: null))));
    }

    private static TimeProvider Time(ComponentContext context) =>
        context.Services.GetService<TimeProvider>() ?? TimeProvider.System;
}
