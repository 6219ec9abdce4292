using System.Text.Json;

namespace Sidecar.Actors.Tests;

/// <summary>Short ways to call the actor API and to read its errors.</summary>
internal static class Answers
{
    public static Task<HttpResponseMessage> CallAsync(this HttpClient client, string actorAndMethod, string body = "", string? chain = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, $"/v1.0/actors/{actorAndMethod}") { Content = new StringContent(body) };
        if (chain is not null)
        {
            request.Headers.Add("Dapr-Reentrancy-Id", chain);
        }

        return client.SendAsync(request, cancellationToken);
    }

    public static Task<HttpResponseMessage> SaveAsync(this HttpClient client, string actor, string operations) =>
        client.PutAsync($"/v1.0/actors/{actor}/state", new StringContent(operations));

    /// <summary>Status and error code, e.g. <c>400 ERR_ACTOR_INSTANCE_MISSING</c>.</summary>
    public static async Task<string> ErrorAsync(this HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return $"{(int)response.StatusCode} {body.RootElement.GetProperty("errorCode").GetString()}";
    }

    public static async Task<string> MessageAsync(this HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return body.RootElement.GetProperty("message").GetString()!;
    }

    public static Task<string> TextAsync(this HttpResponseMessage response) => response.Content.ReadAsStringAsync();
}
