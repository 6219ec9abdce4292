using Microsoft.Extensions.DependencyInjection;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>Bindings and secret stores that need no server.</summary>
public static class StandardComponentTypes
{
    /// <summary>Adds <c>bindings.localstorage</c>, <c>bindings.cron</c>, <c>bindings.http</c>, <c>secretstores.local.file</c> and <c>secretstores.local.env</c>.</summary>
    public static ComponentRegistry AddStandard(this ComponentRegistry registry) => registry
        .Add("bindings.localstorage", context => new LocalStorageBinding(context))
        .Add("bindings.cron", context => new CronBinding(context, context.Services.GetRequiredService<TimeProvider>()))
        .Add("bindings.http", context => new HttpBinding(context))
        .Add("secretstores.local.file", context => new LocalFileSecretStore(context))
        .Add("secretstores.local.env", context => new LocalEnvSecretStore(context));
}
