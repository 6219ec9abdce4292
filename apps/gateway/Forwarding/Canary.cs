using Microsoft.Extensions.Options;

namespace Gateway.Forwarding;

/// <summary>
/// <c>X-Canary: true</c> sends a request to the app's canary replicas, where there are any: by address those of <c>services:{app}:canary:http:{n}</c>,
/// by invocation the app id <c>{app}-canary</c> when the app is in <see cref="GatewayOptions.CanaryApps"/>. Anywhere else the header is dropped.
/// </summary>
internal sealed class Canary(ServiceAddresses addresses, IOptions<GatewayOptions> options)
{
    public const string Header = "X-Canary";

    private readonly string[] _apps = options.Value.CanaryApps;

    /// <summary>Whether the request goes to canaries.</summary>
    public bool IsFor(HttpRequest request, GatewayRoute route) =>
        request.Headers[Header] is [{ } value] && value.Equals("true", StringComparison.OrdinalIgnoreCase)
        && (route.ByAddress ? addresses.InTurn(CanaryOf(route)).Count > 0 : _apps.Contains(route.App, StringComparer.Ordinal));

    /// <summary>Name under which the canaries are found.</summary>
    public static string CanaryOf(GatewayRoute route) => route.ByAddress ? $"{route.App}:canary" : $"{route.App}-canary";
}
