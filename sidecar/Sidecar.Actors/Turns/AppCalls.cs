using System.Net;
using Sidecar.Actors.Hosting;
using Sidecar.Runtime;
using Sidecar.Runtime.App;

namespace Sidecar.Actors.Turns;

/// <summary>The requests that an app with actors answers (protocol: HTTP §6.1).</summary>
internal static class AppCalls
{
    public const string ReentrancyHeader = "Dapr-Reentrancy-Id";

    private static readonly HashSet<string> NotForwarded = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
        "HTTP2-Settings", "Host", "Content-Length", "Expect", "dapr-api-token", "dapr-caller-app-id", "dapr-caller-namespace", "dapr-callee-app-id",
        "Dapr-API-Call", ReentrancyHeader,
    };

    /// <summary><c>PUT /actors/{type}/{id}/method/{method}</c>: the answer, whatever it is.</summary>
    public static async Task<ActorAnswer> InvokeAsync(Activation activation, ActorCall call, string? chain, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Address(activation, $"method/{Uri.EscapeDataString(call.Method)}{call.Query}"))
        {
            Content = new ReadOnlyMemoryContent(call.Body),
        };
        foreach (var (name, value) in call.Headers)
        {
            if (!NotForwarded.Contains(name) && !request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        request.Headers.TryAddWithoutValidation("Dapr-API-Call", "true");
        return await SendAsync(activation.Host.App.Channel, request, chain, cancellationToken);
    }

    /// <summary><c>PUT /actors/{type}/{id}/method/remind|timer/{name}</c>. True when the app wants no more of them; throws when it fails.</summary>
    public static async Task<bool> FireAsync(
        Activation activation, string kind, string name, ReadOnlyMemory<byte> body, string? chain, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Address(activation, $"method/{kind}/{Uri.EscapeDataString(name)}"))
        {
            Content = new ReadOnlyMemoryContent(body) { Headers = { { "Content-Type", "application/json" } } },
        };
        var answer = await SendAsync(activation.Host.App.Channel, request, chain, cancellationToken);
        return answer.Status == (int)HttpStatusCode.OK
            ? answer.Header("X-Daprremindercancel")?.ToLowerInvariant() is "true" or "1" or "yes" or "y" or "on" or "t"
            : throw new ActorFailedException($"the app answered {answer.Status}");
    }

    /// <summary><c>DELETE /actors/{type}/{id}</c>.</summary>
    public static async Task DeactivateAsync(Activation activation, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, Address(activation, ""));
        var answer = await SendAsync(activation.Host.App.Channel, request, null, cancellationToken);
        if (answer.Status != (int)HttpStatusCode.OK)
        {
            throw new ActorFailedException($"the app answered {answer.Status}");
        }
    }

    /// <summary><c>GET /dapr/config</c>: the hosted types, or null when the answer is not 200.</summary>
    public static async Task<IReadOnlyDictionary<string, ActorTypeSettings>?> ReadConfigAsync(AppInstance app, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(app.Channel.Address, "/dapr/config"));
        request.Headers.TryAddWithoutValidation("dapr-app-id", app.Instance.AppId);
        var answer = await SendAsync(app.Channel, request, null, cancellationToken);
        return answer.Status == (int)HttpStatusCode.OK ? ActorTypeSettings.Read(answer.Body) : null;
    }

    private static Uri Address(Activation activation, string rest)
    {
        var (type, id) = activation.Actor.Key;
        var path = $"/actors/{Uri.EscapeDataString(type)}/{Uri.EscapeDataString(id)}";
        return new Uri(activation.Host.App.Channel.Address, rest.Length == 0 ? path : $"{path}/{rest}");
    }

    private static async Task<ActorAnswer> SendAsync(AppChannel channel, HttpRequestMessage request, string? chain, CancellationToken cancellationToken)
    {
        if (chain is not null)
        {
            request.Headers.TryAddWithoutValidation(ReentrancyHeader, chain);
        }

        using var response = await channel.SendAsync(request, cancellationToken);
        var headers = new List<KeyValuePair<string, string>>();
        Add(response.Headers);
        Add(response.Content.Headers);
        return new ActorAnswer((int)response.StatusCode, headers, await channel.ReadAsync(response, cancellationToken));

        void Add(System.Net.Http.Headers.HttpHeaders source)
        {
            foreach (var (name, values) in source.NonValidated)
            {
                if (!NotForwarded.Contains(name))
                {
                    headers.Add(new(name, values.ToString()));
                }
            }
        }
    }
}

/// <summary>An app refused a deactivation, a timer or a reminder.</summary>
internal sealed class ActorFailedException(string message) : Exception(message);
