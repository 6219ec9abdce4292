using System.Net.Http.Json;
using System.Text.Json;

namespace Sidecar.Runtime.Tests;

/// <summary>What tests read of a sidecar's answers.</summary>
internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Status and Dapr's error code.</summary>
    public static async Task<(int Status, string? Code)> ErrorAsync(this Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errorCode").GetString());
    }
}
