using System.Text.Json;
using Dapr.Actors.Client;
using Dapr.Actors.Communication;
using Microsoft.Extensions.Logging;

namespace Dapr.Actors.Runtime;

/// <summary>All actors of this app.</summary>
public sealed class ActorRuntime
{
    private readonly ActorRuntimeOptions _options;
    private readonly Dictionary<string, HostedActors> _types = new(StringComparer.Ordinal);

    internal ActorRuntime(
        ActorRuntimeOptions options, ILoggerFactory loggerFactory, ActorActivatorFactory activators, IActorProxyFactory proxies, ActorSidecar sidecar)
    {
        _options = options;
        var timers = new SidecarTimers(sidecar);
        var states = new ActorStateStore(sidecar, options.JsonSerializerOptions);
        foreach (var registration in options.Actors)
        {
            _types[registration.Type.ActorTypeName] = new HostedActors(
                registration, registration.Activator ?? activators.CreateActivator(registration.Type), options, loggerFactory.CreateLogger<HostedActors>(),
                (type, id) => new ActorHost(type, id, options.JsonSerializerOptions, loggerFactory, proxies, timers, states));
        }
    }

    /// <summary>The classes of actors that the app hosts.</summary>
    public IReadOnlyList<ActorRegistration> RegisteredActors => _options.Actors;

    /// <exception cref="InvalidOperationException">The app hosts no actors of the type.</exception>
    internal HostedActors this[string actorType] => _types.TryGetValue(actorType, out var actors)
        ? actors
        : throw new InvalidOperationException($"This app hosts no actors of type {actorType}.");

    /// <summary>The answer to <c>GET /dapr/config</c> (dapr-sdk §6.1).</summary>
    internal void WriteConfiguration(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        WriteEntities(writer, _types.Keys);
        WriteOptions(writer, _options);
        var own = _options.Actors.Where(registration => registration.TypeOptions is not null).ToList();
        if (own.Count > 0)
        {
            writer.WriteStartArray("entitiesConfig");
            foreach (var registration in own)
            {
                writer.WriteStartObject();
                WriteEntities(writer, [registration.Type.ActorTypeName]);
                WriteOptions(writer, registration.TypeOptions);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteEntities(Utf8JsonWriter writer, IEnumerable<string> names)
    {
        writer.WriteStartArray("entities");
        foreach (var name in names)
        {
            writer.WriteStringValue(name);
        }

        writer.WriteEndArray();
    }

    private static void WriteOptions(Utf8JsonWriter writer, ActorRuntimeOptions options)
    {
        WriteTime(writer, "actorIdleTimeout", options.ActorIdleTimeout);
        WriteTime(writer, "actorScanInterval", options.ActorScanInterval);
        WriteTime(writer, "drainOngoingCallTimeout", options.DrainOngoingCallTimeout);
        if (options.DrainRebalancedActors)
        {
            writer.WriteBoolean("drainRebalancedActors", true);
        }

        if (options.RemindersStoragePartitions is { } partitions)
        {
            writer.WriteNumber("remindersStoragePartitions", partitions);
        }

        writer.WriteStartObject("reentrancy");
        writer.WriteBoolean("enabled", options.ReentrancyConfig.Enabled);
        if (options.ReentrancyConfig.MaxStackDepth is { } depth)
        {
            writer.WriteNumber("maxStackDepth", depth);
        }

        writer.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter writer, string name, TimeSpan? time)
    {
        if (time is { } value)
        {
            writer.WriteString(name, Schedule.Format(value));
        }
    }
}
