using Microsoft.Net.Http.Headers;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.ApiKeys;

/// <summary>
/// Turns an API key (<c>X-API-Key</c>, or <c>Authorization: Bearer tandem_…</c>) into the token it stands for, before anything looks at tokens: from
/// there on a machine client's request is like any other, also for apps that verify the token themselves.
/// </summary>
internal static partial class ApiKeyMiddleware
{
    /// <summary>Carries an API key.</summary>
    public const string Header = "X-API-Key";

    private const string Bearer = "Bearer ";

    public static IServiceCollection AddApiKeys(this IServiceCollection services)
    {
        services.AddOptions<ApiKeyOptions>().BindConfiguration(ApiKeyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddDaprInvokeClient<ApiKeyClient>(Contracts.Apps.Auth);
        services.AddSingleton<ApiKeyTokens>();
        return services;
    }

    public static IApplicationBuilder UseApiKeys(this IApplicationBuilder app) => app.Use((context, next) =>
        KeyOf(context.Request) is { } key ? ExchangeAsync(context, key, next) : next(context));

    private static async Task ExchangeAsync(HttpContext context, string key, RequestDelegate next)
    {
        if (await ExchangeAsync(context, key))
        {
            await next(context);
        }
    }

    /// <summary>False after the refusal was written.</summary>
    private static async Task<bool> ExchangeAsync(HttpContext context, string key)
    {
        string? token;
        try
        {
            token = await context.RequestServices.GetRequiredService<ApiKeyTokens>().GetAsync(key, context.RequestAborted);
        }
        catch (HttpRequestException exception)
        {
            LogUnavailable(context.RequestServices.GetRequiredService<ILogger<ApiKeyTokens>>(), exception.Message);
            context.Response.Headers.RetryAfter = "1";
            await Problems.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "IDENTITY_UNAVAILABLE", "API keys cannot be checked right now; try again soon");
            return false;
        }

        if (token is null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            await Problems.WriteAsync(context, StatusCodes.Status401Unauthorized, "INVALID_API_KEY", "The API key is unknown, expired or deleted");
            return false;
        }

        context.Request.Headers.Remove(Header);
        context.Request.Headers.Authorization = Bearer + token;
        context.Features.Set(TradedApiKey.Instance);
        return true;
    }

    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue(Header, out var given))
        {
            return given.ToString();
        }

        return request.Headers[HeaderNames.Authorization] is [{ } header, ..]
            && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            && header.AsSpan(Bearer.Length).TrimStart().StartsWith(ApiKeyText.Prefix, StringComparison.Ordinal)
            ? header[Bearer.Length..].Trim() : null;
    }

    [LoggerMessage(1060, LogLevel.Warning, "An API key could not be exchanged at auth: {Reason}")]
    private static partial void LogUnavailable(ILogger logger, string reason);
}

/// <summary>Feature of a request whose API key was replaced by a token.</summary>
internal sealed class TradedApiKey
{
    public static readonly TradedApiKey Instance = new();
}
