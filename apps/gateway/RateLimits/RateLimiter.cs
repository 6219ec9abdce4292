using System.Globalization;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.RateLimits;

/// <summary>
/// Counts requests by the policies of their route and refuses what is over. Each replica counts what it sees: a count in a store would add a
/// write to every request and fail with the store, so behind n replicas a caller gets up to n quotas.
/// </summary>
internal sealed class RateLimiter
{
    private readonly Dictionary<string, NamedPolicy> _policies;
    private readonly RateLimitOptions _options;

    public RateLimiter(IOptions<RateLimitOptions> options, TimeProvider time)
    {
        _options = options.Value;
        _policies = _options.Policies.ToDictionary(
            policy => policy.Key, policy => new NamedPolicy(policy.Key, policy.Value, new CounterTable(policy.Value, _options.MaxCallers, time)));
    }

    /// <summary>The limits of a route. A name that is not configured stops the start.</summary>
    public RouteLimits For(GatewayRoute route) => new(
        [
            .. (route.Limits ?? _options.Default).Select(name => _policies.GetValueOrDefault(name)
                ?? throw new InvalidOperationException($"The route {route.Path} names the limit '{name}', which is not in {RateLimitOptions.Section}:Policies")),
        ],
        _options.PerAddress);
}

/// <summary>A policy with its counters.</summary>
internal sealed record NamedPolicy(string Name, RateLimitPolicy Policy, CounterTable Counters)
{
    /// <summary>Item of <c>RateLimit-Policy</c>.</summary>
    public string Item { get; } = FormattableString.Invariant($"\"{Name}\";q={Policy.Quota};w={(long)Policy.Window.TotalSeconds}");

    public bool Counts(string method) => Policy.Methods.Length == 0 || Policy.Methods.Contains(method, StringComparer.OrdinalIgnoreCase);
}

/// <summary>The limits of one route.</summary>
internal sealed class RouteLimits(NamedPolicy[] policies, bool perAddress)
{
    private const string LimitHeader = "RateLimit";

    private const string PolicyHeader = "RateLimit-Policy";

    /// <summary>
    /// Counts a request under the policies of a kind and says on the answer what is left (draft-ietf-httpapi-ratelimit-headers). False: it was
    /// answered with 429. What policies before the refusing one have counted stays counted.
    /// </summary>
    public ValueTask<bool> AllowsAsync(HttpContext context, LimitBy by, Identity? identity = null)
    {
        foreach (var named in policies)
        {
            // Who is nobody is known by address alone.
            var byAddress = by == LimitBy.Address || identity is null;
            if (named.Policy.By != by || (byAddress && !perAddress) || !named.Counts(context.Request.Method))
            {
                continue;
            }

            var decision = named.Counters.Take(byAddress ? Partition.Of(context.Connection.RemoteIpAddress) : Partition.Of(identity!.UserId));
            var headers = context.Response.Headers;
            headers[PolicyHeader] = Append(headers[PolicyHeader], named.Item);
            headers[LimitHeader] = Append(
                headers[LimitHeader], string.Create(CultureInfo.InvariantCulture, $"\"{named.Name}\";r={decision.Remaining};t={decision.ResetSeconds}"));
            if (!decision.Allowed)
            {
                return RefuseAsync(context, named, decision.ResetSeconds);
            }
        }

        return ValueTask.FromResult(true);
    }

    private static StringValues Append(StringValues before, string item) => before.Count == 0 ? item : $"{before}, {item}";

    private static async ValueTask<bool> RefuseAsync(HttpContext context, NamedPolicy named, int seconds)
    {
        context.Response.Headers.RetryAfter = FormattableString.Invariant($"{seconds}");
        var problem = Problems.Of(
            StatusCodes.Status429TooManyRequests, "RATE_LIMITED",
            FormattableString.Invariant($"More than {named.Policy.Quota} requests in {named.Policy.Window.TotalSeconds:0} s; try again in {seconds} s"),
            new Dictionary<string, object?> { ["violated-policies"] = new[] { named.Name } });
        problem.ProblemDetails.Type = "https://iana.org/assignments/http-problem-types#quota-exceeded";
        await problem.ExecuteAsync(context);
        return false;
    }
}
