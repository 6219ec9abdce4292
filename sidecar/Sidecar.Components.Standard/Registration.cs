using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;
using Sidecar.Components.Standard.Middleware;
using Sidecar.Components.Standard.Smtp;

namespace Sidecar.Components.Standard;

/// <summary>Bindings, secret stores and middleware that need no server.</summary>
public static class StandardComponentTypes
{
    /// <summary>
    /// Adds <c>bindings.localstorage</c>, <c>bindings.cron</c>, <c>bindings.http</c>, <c>bindings.smtp</c>, <c>secretstores.local.file</c>,
    /// <c>secretstores.local.env</c> and <c>middleware.http.bearer</c>, <c>…ratelimit</c>, <c>…routerchecker</c>, <c>…routeralias</c>.
    /// </summary>
    public static ComponentRegistry AddStandard(this ComponentRegistry registry) => registry
        .Add("bindings.localstorage", context => new LocalStorageBinding(context))
        .Add("bindings.cron", context => new CronBinding(context, context.Services.GetRequiredService<TimeProvider>()))
        .Add("bindings.http", context => new HttpBinding(context))
        .Add("bindings.smtp", context => new SmtpBinding(context, context.Services.GetRequiredService<TimeProvider>()))
        .Add("secretstores.local.file", context => new LocalFileSecretStore(context))
        .Add("secretstores.local.env", context => new LocalEnvSecretStore(context))
        .Add("middleware.http.bearer", context => new BearerMiddleware(context, context.Services.GetRequiredService<TimeProvider>()))
        .Add("middleware.http.ratelimit", context => new RateLimitMiddleware(context, context.Services.GetRequiredService<TimeProvider>()))
        .Add("middleware.http.routerchecker", context => new RouterCheckerMiddleware(context))
        .Add("middleware.http.routeralias", context => new RouterAliasMiddleware(context));
}
