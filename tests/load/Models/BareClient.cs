using System.Net.Http.Json;
using System.Runtime.CompilerServices;

namespace Load.Models;

/// <summary>The least that a client of the OpenAI protocol can do: it posts, and looks at each line of the stream without reading it.</summary>
internal static class BareClient
{
    /// <summary>The lines that carry text.</summary>
    public static async IAsyncEnumerable<string> StreamAsync(
        HttpClient http, Uri baseUrl, string question, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{baseUrl}/chat/completions")
        {
            Content = JsonContent.Create(new { model = "gpt-5.2", stream = true, messages = new[] { new { role = "user", content = question } } }),
        };
        request.Headers.Authorization = new("Bearer", ModelLoad.Key);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Contains("\"content\":\"", StringComparison.Ordinal) && !line.Contains("\"content\":\"\"", StringComparison.Ordinal))
            {
                yield return line;
            }
        }
    }
}
