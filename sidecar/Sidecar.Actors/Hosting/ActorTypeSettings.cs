using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Actors.Hosting;

/// <summary>What an app says in <c>GET /dapr/config</c> about an actor type (protocol: HTTP §6.1).</summary>
internal sealed record ActorTypeSettings
{
    /// <summary>80 % of the time of a table round, so that a drain ends before the next one.</summary>
    private static readonly TimeSpan MaxDrain = TimeSpan.FromSeconds(24);

    private static readonly ActorTypeSettings Default = new();

    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(60);

    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public bool DrainsCalls { get; init; } = true;

    public bool IsReentrant { get; init; }

    public int MaxStackDepth { get; init; } = 32;

    /// <summary>Settings of the hosted types. Throws <see cref="FormatException"/> or <see cref="JsonException"/> when the answer cannot be read.</summary>
    public static IReadOnlyDictionary<string, ActorTypeSettings> Read(ReadOnlyMemory<byte> answer)
    {
        using var document = JsonDocument.Parse(answer);
        if (document.RootElement is not { ValueKind: JsonValueKind.Object } root)
        {
            throw new FormatException("it is not a JSON object");
        }

        var common = Default.With(root);
        var types = Entities(root).Where(type => !ActorKey.IsReserved(type)).Distinct().ToDictionary(type => type, _ => common);
        if (root.TryGetProperty("entitiesConfig", out var overrides) && overrides.ValueKind == JsonValueKind.Array)
        {
            foreach (var special in overrides.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.Object))
            {
                foreach (var type in Entities(special).Where(types.ContainsKey))
                {
                    types[type] = common.With(special);
                }
            }
        }

        return types;
    }

    private static IEnumerable<string> Entities(JsonElement element) =>
        element.TryGetProperty("entities", out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(entry => entry.ValueKind == JsonValueKind.String).Select(entry => entry.GetString()!).Where(type => type.Length > 0)
            : [];

    private static TimeSpan? Duration(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: > 0 } text)
        {
            return null;
        }

        return GoDuration.TryParse(text, out var duration) && duration >= TimeSpan.Zero
            ? duration
            : throw new FormatException($"{name} '{text}' is not a duration");
    }

    private static bool? Flag(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    } : null;

    private ActorTypeSettings With(JsonElement element)
    {
        var reentrancy = element.TryGetProperty("reentrancy", out var value) && value.ValueKind == JsonValueKind.Object ? value : default;
        var drain = Duration(element, "drainOngoingCallTimeout") ?? DrainTimeout;
        return new ActorTypeSettings
        {
            IdleTimeout = Duration(element, "actorIdleTimeout") is { Ticks: > 0 } idle ? idle : IdleTimeout,
            DrainTimeout = drain > MaxDrain ? MaxDrain : drain,
            DrainsCalls = Flag(element, "drainRebalancedActors") ?? DrainsCalls,
            IsReentrant = reentrancy.ValueKind == JsonValueKind.Object ? Flag(reentrancy, "enabled") ?? false : IsReentrant,
            MaxStackDepth = reentrancy.ValueKind == JsonValueKind.Object && reentrancy.TryGetProperty("maxStackDepth", out var depth) && depth.TryGetInt32(out var number) && number > 0
                ? number
                : MaxStackDepth,
        };
    }
}
