using System.Collections.Concurrent;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Resiliency;

/// <summary>The policies of the Resiliency resources that apply to one app. Retries with status codes, breakers and timeouts by name.</summary>
public sealed partial class ResiliencyPolicies
{
    /// <summary>Breakers that are kept per app (<c>circuitBreakerCacheSize</c>).</summary>
    private const int DefaultAppBreakers = 100;
    private const int MinBuiltInRetries = 3;

    private static readonly Dictionary<string, RetryPolicy> BuiltIns = new(StringComparer.Ordinal)
    {
        ["DaprBuiltInServiceRetries"] = Constant(3),
        ["DaprBuiltInActorRetries"] = Constant(3),
        ["DaprBuiltInActorNotFoundRetries"] = Constant(5),
        ["DaprBuiltInActorReminderRetries"] = new RetryPolicy(true, default, TimeSpan.FromSeconds(60), -1, null),
        ["DaprBuiltInInitializationRetries"] = new RetryPolicy(true, default, TimeSpan.FromSeconds(1), 3, null) { MaxElapsed = TimeSpan.FromSeconds(10) },
    };

    private readonly Dictionary<string, TimeSpan> _timeouts = [];
    private readonly Dictionary<string, RetryPolicy> _retries = [];
    private readonly Dictionary<string, Func<CircuitBreaker>> _breakers = [];
    private readonly Dictionary<string, YamlMap> _apps = [];
    private readonly Dictionary<string, YamlMap> _components = [];
    private readonly ConcurrentDictionary<string, ExecutionPolicy> _resolved = [];
    private readonly ConcurrentDictionary<string, (ExecutionPolicy Policy, BreakerCache? Breakers)> _appTargets = [];
    private readonly TimeProvider _time;

    public ResiliencyPolicies(IEnumerable<ResiliencyManifest> manifests, string appId, TimeProvider time)
    {
        _time = time;
        foreach (var manifest in manifests.Where(manifest => manifest.Scopes.Count == 0 || manifest.Scopes.Contains(appId)))
        {
            Names.Add(manifest.Name);
            var spec = new YamlMap(manifest.Spec.Select(entry => KeyValuePair.Create<object, object?>(entry.Key, entry.Value)));
            ReadPolicies(spec.Map("policies"), manifest.Name);
            Add(_apps, spec.Map("targets").Map("apps"));
            Add(_components, spec.Map("targets").Map("components"));
            Add(_actors, spec.Map("targets").Map("actors"));
        }

        foreach (var (name, target) in _apps)
        {
            CheckNames(target, $"app '{name}'");
        }

        CheckActors();
        foreach (var (name, target) in _components)
        {
            CheckNames(target.Map("inbound"), $"component '{name}'");
            CheckNames(target.Map("outbound"), $"component '{name}'");
        }
    }

    /// <summary>Names of the resources, for the metadata API.</summary>
    public IList<string> Names { get; } = [];

    /// <summary>Policy of calls to an app; the breaker is that of the endpoint.</summary>
    public ExecutionPolicy ForApp(string appId, string endpoint)
    {
        var (policy, breakers) = _appTargets.GetOrAdd(appId, ResolveApp);
        return breakers is null ? policy : policy with { Breaker = breakers.For(endpoint) };
    }

    /// <summary>Policy of deliveries from a component to the app.</summary>
    public ExecutionPolicy ForInbound(string component, string category) => _resolved.GetOrAdd($"in|{component}", _ => Resolve(
        _components.TryGetValue(component, out var target) ? target.Map("inbound") : default, $"{category}Component", "Inbound"));

    /// <summary>Policy of calls from the sidecar to a component.</summary>
    public ExecutionPolicy ForOutbound(string component, string category) => _resolved.GetOrAdd($"out|{component}", _ => Resolve(
        _components.TryGetValue(component, out var target) ? target.Map("outbound") : default, $"{category}Component", "Outbound"));

    /// <summary>
    /// Dapr's own retries of that name (protocol: config §3). A retry policy of the same name takes their place, but does not try less often than
    /// three times; null for an unknown name.
    /// </summary>
    public RetryPolicy? BuiltIn(string name)
    {
        var own = name == "DaprBuiltInActorNotFoundRetries" ? null : _retries.GetValueOrDefault(name);
        return own is { MaxRetries: >= 0 and < MinBuiltInRetries } ? own with { MaxRetries = MinBuiltInRetries } : own ?? BuiltIns.GetValueOrDefault(name);
    }

    private (ExecutionPolicy Policy, BreakerCache? Breakers) ResolveApp(string appId)
    {
        var target = _apps.GetValueOrDefault(appId);
        var breaker = Find(target, "circuitBreaker", Defaults("App", ""), "CircuitBreaker", _breakers);
        return (
            Resolve(target, "App", "") with { Breaker = null },
            breaker is null ? null : new BreakerCache(breaker, Math.Max(1, target.Int("circuitBreakerCacheSize", DefaultAppBreakers))));
    }

    private static RetryPolicy Constant(int retries) => new(false, TimeSpan.FromSeconds(1), default, retries, null);

    private static void Add(Dictionary<string, YamlMap> targets, YamlMap map)
    {
        foreach (var name in map.Values.Keys)
        {
            targets[name] = map.Map(name);
        }
    }

    /// <summary>A misspelt name is to be found at the start, not by the first message.</summary>
    private void CheckNames(YamlMap target, string whose)
    {
        foreach (var (field, isKnown) in new (string, Func<string, bool>)[]
        {
            ("timeout", _timeouts.ContainsKey), ("retry", _retries.ContainsKey), ("circuitBreaker", _breakers.ContainsKey),
        })
        {
            if (target.Text(field) is { } policy && !isKnown(policy))
            {
                throw new ComponentException($"the resiliency target of {whose} names the unknown {field} policy '{policy}'");
            }
        }
    }

    private void ReadPolicies(YamlMap policies, string resource)
    {
        foreach (var (name, text) in policies.Map("timeouts").Texts())
        {
            _timeouts[name] = Duration(text, resource, name);
        }

        foreach (var name in policies.Map("retries").Values.Keys)
        {
            var retry = policies.Map("retries").Map(name);
            var matching = retry.Map("matching");
            _retries[name] = new RetryPolicy(
                retry.Text("policy")?.ToLowerInvariant() switch
                {
                    null or "" or "constant" => false,
                    "exponential" => true,
                    var other => throw new ComponentException($"resiliency '{resource}': the policy of retry '{name}' is '{other}', not constant or exponential"),
                },
                Duration(retry.Text("duration") ?? "5s", resource, name),
                Duration(retry.Text("maxInterval") ?? "60s", resource, name),
                retry.Int("maxRetries", -1),
                Codes(matching, "httpStatusCodes", 100, 599, resource, name))
            {
                GrpcCodes = Codes(matching, "gRPCStatusCodes", 0, 16, resource, name),
            };
        }

        foreach (var name in policies.Map("circuitBreakers").Values.Keys)
        {
            var breaker = policies.Map("circuitBreakers").Map(name);
            var trip = Trip(breaker.Text("trip") ?? TripCondition.Default, resource, name);
            var (requests, interval, timeout) = (
                breaker.Int("maxRequests", 1), Duration(breaker.Text("interval") ?? "0s", resource, name), Duration(breaker.Text("timeout") ?? "60s", resource, name));
            _breakers[name] = () => new CircuitBreaker(requests, interval, timeout, trip, _time);
        }
    }

    private static StatusCodeSet? Codes(YamlMap matching, string field, int first, int last, string resource, string policy)
    {
        if (matching.Text(field) is not { Length: > 0 } text)
        {
            return null;
        }

        try
        {
            return StatusCodeSet.Parse(text, first, last);
        }
        catch (FormatException exception)
        {
            throw new ComponentException($"resiliency '{resource}': {field} '{text}' of '{policy}' is not a list of codes and ranges from {first} to {last}", exception);
        }
    }

    private static TripCondition Trip(string text, string resource, string breaker)
    {
        try
        {
            return new TripCondition(text);
        }
        catch (FormatException exception)
        {
            throw new ComponentException($"resiliency '{resource}': trip of circuit breaker '{breaker}': {exception.Message}", exception);
        }
    }

    private static TimeSpan Duration(string text, string resource, string policy) => GoDuration.TryParse(text, out var value)
        ? value
        : throw new ComponentException($"resiliency '{resource}': '{text}' of '{policy}' is not a duration");

    /// <summary>A target's own names, else the default policies from the most to the least specific name.</summary>
    private ExecutionPolicy Resolve(YamlMap target, string type, string direction)
    {
        var defaults = Defaults(type, direction);
        var timeouts = _timeouts.ToDictionary(entry => entry.Key, entry => (TimeSpan?)entry.Value);
        return new ExecutionPolicy(
            Find(target, "timeout", defaults, "Timeout", timeouts), Find(target, "retry", defaults, "Retry", _retries),
            Find(target, "circuitBreaker", defaults, "CircuitBreaker", _breakers)?.Invoke());
    }

    private static string[] Defaults(string type, string direction) => type.EndsWith("Component", StringComparison.Ordinal)
        ? [$"Default{type}{direction}", $"DefaultComponent{direction}", "DefaultComponent", "Default"]
        : [$"Default{type}", "Default"];

    private static TPolicy? Find<TPolicy>(YamlMap target, string field, string[] defaults, string suffix, Dictionary<string, TPolicy> policies) =>
        target.Text(field) is { } name
            ? policies[name]
            : defaults.Select(prefix => policies.GetValueOrDefault($"{prefix}{suffix}Policy")).FirstOrDefault(policy => policy is not null);
}
