using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.Resiliency;

/// <summary>The policies of the Resiliency resources that apply to one app. Retries with status codes, breakers and timeouts by name.</summary>
public sealed partial class ResiliencyPolicies
{
    private readonly Dictionary<string, TimeSpan> _timeouts = [];
    private readonly Dictionary<string, RetryPolicy> _retries = [];
    private readonly Dictionary<string, Func<CircuitBreaker>> _breakers = [];
    private readonly Dictionary<string, YamlMap> _apps = [];
    private readonly Dictionary<string, YamlMap> _components = [];
    private readonly ConcurrentDictionary<string, ExecutionPolicy> _resolved = [];
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

    /// <summary>Policy of calls to an app.</summary>
    public ExecutionPolicy ForApp(string appId) => _resolved.GetOrAdd($"app|{appId}", _ => Resolve(
        _apps.TryGetValue(appId, out var target) ? target : default, "App", ""));

    /// <summary>Policy of deliveries from a component to the app.</summary>
    public ExecutionPolicy ForInbound(string component, string category) => _resolved.GetOrAdd($"in|{component}", _ => Resolve(
        _components.TryGetValue(component, out var target) ? target.Map("inbound") : default, $"{category}Component", "Inbound"));

    /// <summary>Policy of calls from the sidecar to a component.</summary>
    public ExecutionPolicy ForOutbound(string component, string category) => _resolved.GetOrAdd($"out|{component}", _ => Resolve(
        _components.TryGetValue(component, out var target) ? target.Map("outbound") : default, $"{category}Component", "Outbound"));

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
            var codes = retry.Map("matching").Text("httpStatusCodes");
            _retries[name] = new RetryPolicy(
                retry.Text("policy") == "exponential",
                Duration(retry.Text("duration") ?? "5s", resource, name),
                Duration(retry.Text("maxInterval") ?? "60s", resource, name),
                retry.Int("maxRetries", -1),
                codes is null ? null : Codes(codes, resource, name));
        }

        foreach (var name in policies.Map("circuitBreakers").Values.Keys)
        {
            var breaker = policies.Map("circuitBreakers").Map(name);
            var trip = Trip().Match(breaker.Text("trip") ?? "consecutiveFailures > 5");
            if (!trip.Success)
            {
                throw new ComponentException($"resiliency '{resource}': circuit breaker '{name}': trip must have the form 'consecutiveFailures > N'");
            }

            var failures = int.Parse(trip.Groups[2].Value, CultureInfo.InvariantCulture) - (trip.Groups[1].Value == ">=" ? 1 : 0);
            var (requests, interval, timeout) = (
                breaker.Int("maxRequests", 1), Duration(breaker.Text("interval") ?? "0s", resource, name), Duration(breaker.Text("timeout") ?? "60s", resource, name));
            _breakers[name] = () => new CircuitBreaker(requests, interval, timeout, failures, _time);
        }
    }

    private static StatusCodeSet Codes(string text, string resource, string policy)
    {
        try
        {
            return StatusCodeSet.Parse(text);
        }
        catch (FormatException exception)
        {
            throw new ComponentException($"resiliency '{resource}': httpStatusCodes '{text}' of '{policy}' is not a list of codes and ranges", exception);
        }
    }

    private static TimeSpan Duration(string text, string resource, string policy) => GoDuration.TryParse(text, out var value)
        ? value
        : throw new ComponentException($"resiliency '{resource}': '{text}' of '{policy}' is not a duration");

    /// <summary>A target's own names, else the default policies from the most to the least specific name.</summary>
    private ExecutionPolicy Resolve(YamlMap target, string type, string direction)
    {
        string[] defaults = type.EndsWith("Component", StringComparison.Ordinal)
            ? [$"Default{type}{direction}", $"DefaultComponent{direction}", "DefaultComponent", "Default"]
            : [$"Default{type}", "Default"];
        TPolicy? Find<TPolicy>(string field, string suffix, Dictionary<string, TPolicy> policies) => target.Text(field) is { } name
            ? policies[name]
            : defaults.Select(prefix => policies.GetValueOrDefault($"{prefix}{suffix}Policy")).FirstOrDefault(policy => policy is not null);

        var timeouts = _timeouts.ToDictionary(entry => entry.Key, entry => (TimeSpan?)entry.Value);
        return new ExecutionPolicy(
            Find("timeout", "Timeout", timeouts), Find("retry", "Retry", _retries), Find("circuitBreaker", "CircuitBreaker", _breakers)?.Invoke());
    }

    [GeneratedRegex(@"\A\s*consecutiveFailures\s*(>=|>)\s*(\d+)\s*\z")]
    private static partial Regex Trip();
}
