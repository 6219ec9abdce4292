using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Sidecar.Runtime.Configuration;

namespace Sidecar.Api.Http;

/// <summary>Configuration: read, subscribe, unsubscribe (dapr-http §8).</summary>
internal static class ConfigurationEndpoints
{
    public static void MapConfiguration(this IEndpointRouteBuilder routes)
    {
        foreach (var version in (string[])["v1.0", "v1.0-alpha1"])
        {
            var stores = routes.MapGroup($"/{version}/configuration/{{store}}");
            stores.MapGet("", GetAsync);
            stores.MapGet("/subscribe", SubscribeAsync);
            stores.MapGet("/{id}/unsubscribe", UnsubscribeAsync);
        }
    }

    private static async Task GetAsync(HttpContext http)
    {
        var items = await http.App().ConfigurationStores.GetAsync(
            http.Route("store"), Keys(http), http.Request.QueryMetadata(), http.RequestAborted);
        await (items.Count == 0 ? http.NoContent() : http.WriteJsonAsync(writer => ConfigurationService.Write(writer, items)));
    }

    private static async Task SubscribeAsync(HttpContext http)
    {
        var id = await http.App().ConfigurationStores.SubscribeAsync(
            http.Route("store"), Keys(http), http.Request.QueryMetadata(), http.RequestAborted);
        await http.WriteJsonAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", id);
            writer.WriteEndObject();
        });
    }

    private static Task UnsubscribeAsync(HttpContext http)
    {
        http.App().ConfigurationStores.Unsubscribe(http.Route("store"), http.Route("id"));
        return http.WriteJsonAsync(static writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok", true);
            writer.WriteEndObject();
        });
    }

    private static string[] Keys(HttpContext http) => [.. http.Request.Query["key"].OfType<string>()];
}
