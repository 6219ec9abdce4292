using System.Text.Json;
using System.Text.RegularExpressions;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Middleware;

/// <summary><c>middleware.http.routerchecker</c>: 400 for what the pattern in <c>rule</c> does not match (protocol: config §13).</summary>
internal sealed class RouterCheckerMiddleware(ComponentContext context) : IHttpMiddleware
{
    private static readonly MiddlewareAnswer Refused = new(400, "invalid router");

    private Regex _rule = null!;

    public Task InitAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Without backtracking, as in Go: no request can make it slow.
            _rule = new Regex(context.Metadata.Required("rule"), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new ComponentException($"metadata 'rule' is not a pattern: {exception.Message}", exception);
        }
    }

    public ValueTask<MiddlewareAnswer?> HandleAsync(MiddlewareRequest request, CancellationToken cancellationToken) =>
        new(_rule.IsMatch(request.Target) ? null : Refused);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>
/// <c>middleware.http.routeralias</c>: metadata <c>routes</c> maps paths to others as a JSON object; what a <c>{name}</c> of the old path
/// stands for is appended to the query of the new one (protocol: config §13).
/// </summary>
internal sealed class RouterAliasMiddleware(ComponentContext context) : IHttpMiddleware
{
    private IReadOnlyList<(string[] Pieces, string Target)> _routes = [];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var routes = JsonDocument.Parse(context.Metadata.Required("routes"));
            _routes = [.. routes.RootElement.EnumerateObject().Select(route => (route.Name.Trim('/').Split('/'), route.Value.GetString() ?? ""))];
            return Task.CompletedTask;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new ComponentException("metadata 'routes' is not a JSON object of paths: {\"/old\": \"/v1.0/invoke/app/method/new\"}", exception);
        }
    }

    public ValueTask<MiddlewareAnswer?> HandleAsync(MiddlewareRequest request, CancellationToken cancellationToken)
    {
        var (path, query) = request.Target.Split('?', 2) is [var first, var second] ? (first, second) : (request.Target, "");
        var pieces = path.Trim('/').Split('/');
        foreach (var (pattern, target) in _routes)
        {
            if (Match(pattern, pieces) is { } captured)
            {
                var parameters = string.Join('&', captured.Prepend(query).Where(part => part.Length > 0));
                request.Target = parameters.Length == 0 ? target : $"{target}{(target.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{parameters}";
                break;
            }
        }

        return default;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static List<string>? Match(string[] pattern, string[] pieces)
    {
        if (pattern.Length != pieces.Length)
        {
            return null;
        }

        var captured = new List<string>();
        foreach (var (expected, piece) in pattern.Zip(pieces))
        {
            if (expected.StartsWith('{') && expected.EndsWith('}'))
            {
                captured.Add($"{expected[1..^1]}={piece}");
            }
            else if (expected != piece)
            {
                return null;
            }
        }

        return captured;
    }
}
