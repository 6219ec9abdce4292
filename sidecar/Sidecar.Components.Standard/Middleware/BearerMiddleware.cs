using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Middleware;

/// <summary>
/// <c>middleware.http.bearer</c>: 401 for a request without a JWT of the issuer for the audience (protocol: config §13). Keys come from
/// <c>jwksURL</c>, else from the one that the issuer's discovery document names. Where Dapr reads the keys at the start, they are read by
/// the first request here: the issuer may be an app of the run.
/// </summary>
internal sealed partial class BearerMiddleware(ComponentContext context, TimeProvider time) : IHttpMiddleware
{
    private const string Scheme = "Bearer ";
    private const int MaxKeySetBytes = 1024 * 1024;

    /// <summary>How far clocks may be apart.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private static readonly MiddlewareAnswer Refused = new(401, "Unauthorized");

    private readonly ILogger _logger = context.Services.GetService<ILoggerFactory>()?.CreateLogger<BearerMiddleware>() ?? (ILogger)NullLogger.Instance;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false, ActivityHeadersPropagator = null })
    {
        Timeout = TimeSpan.FromSeconds(5),
        MaxResponseContentBufferSize = MaxKeySetBytes,
    };

    private string _issuer = "";
    private string _audience = "";
    private KeyCache _keys = null!;

    public Task InitAsync(CancellationToken cancellationToken)
    {
        // Two names of each are in use.
        _issuer = context.Metadata["issuerURL"] ?? context.Metadata.Required("issuer");
        _audience = context.Metadata["clientID"] ?? context.Metadata.Required("audience");
        var url = context.Metadata["jwksURL"] is { Length: > 0 } given ? given : null;
        _keys = new KeyCache(
            url is null ? Address("issuer", _issuer) : Address("jwksURL", url), url is null, _http, time,
            exception => LogNoKeys(context.Name, exception.Message));
        return Task.CompletedTask;
    }

    public async ValueTask<MiddlewareAnswer?> HandleAsync(MiddlewareRequest request, CancellationToken cancellationToken) =>
        request.Header("Authorization") is { } value && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            && await IsValidAsync(value[Scheme.Length..].Trim(), cancellationToken)
            ? null
            : Refused;

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The signature first (RFC 7515 §5.2); nothing in the token is believed before it.</summary>
    private async ValueTask<bool> IsValidAsync(string token, CancellationToken cancellationToken)
    {
        if (token.Split('.') is not [var header, var payload, var signature])
        {
            return false;
        }

        try
        {
            using var head = JsonDocument.Parse(Base64Url.DecodeFromChars(header));
            // An extension that must be understood is not (RFC 7515 §4.1.11).
            if (Text(head.RootElement, "alg") is not { Length: 5 } algorithm || head.RootElement.TryGetProperty("crit", out _))
            {
                return false;
            }

            var data = Encoding.ASCII.GetBytes($"{header}.{payload}");
            var bytes = Base64Url.DecodeFromChars(signature);
            var keys = await _keys.FindAsync(Text(head.RootElement, "kid"), cancellationToken);
            if (!keys.Any(key => key.Verifies(algorithm, data, bytes)))
            {
                return false;
            }

            using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(payload));
            return AreValid(claims.RootElement);
        }
        catch (Exception exception) when (exception is FormatException or JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private bool AreValid(JsonElement claims)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var skew = Skew.TotalSeconds;
        return Text(claims, "iss") == _issuer && IsAudience(claims)
            && !(Number(claims, "exp") + skew <= now) && !(Number(claims, "nbf") - skew > now) && !(Number(claims, "iat") - skew > now);
    }

    private bool IsAudience(JsonElement claims) => claims.TryGetProperty("aud", out var audience) && audience.ValueKind switch
    {
        JsonValueKind.String => audience.GetString() == _audience,
        JsonValueKind.Array => audience.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.GetString() == _audience),
        _ => false,
    };

    /// <summary>A time claim; one that is no number makes the token invalid.</summary>
    private static double? Number(JsonElement claims, string name) => claims.TryGetProperty(name, out var value) ? value.GetDouble() : null;

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static Uri Address(string name, string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
        ? uri
        : throw new ComponentException($"metadata '{name}' is not an http(s) address: '{text}'");

    [LoggerMessage(2401, LogLevel.Warning, "middleware {Name}: the keys of the issuer cannot be read ({Problem}); tokens are refused until they can")]
    private partial void LogNoKeys(string name, string problem);
}
