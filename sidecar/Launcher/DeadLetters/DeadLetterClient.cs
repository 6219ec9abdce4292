using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Launcher.Access;

namespace Launcher.DeadLetters;

/// <summary>The dead letters of one app, over the state and publish API of its sidecar (dapr-http §1, §2).</summary>
internal sealed class DeadLetterClient(SidecarAccess sidecar, string store, CancellationToken cancellationToken)
{
    private const int MaxTries = 10;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Newest first per topic; empty also where the app has no such store.</summary>
    public async Task<List<DeadLetter>> ListAsync(string? topic)
    {
        var letters = new List<DeadLetter>();
        var (topics, _, _) = await GetAsync<DeadLetterTopics>("dead");
        foreach (var name in topics?.Topics.Where(name => topic is null || name == topic) ?? [])
        {
            var (index, _, _) = await GetAsync<DeadLetterIndex>(IndexKey(name));
            foreach (var id in index?.Ids ?? [])
            {
                // Absent when its time has passed.
                if (await GetAsync<DeadLetter>(LetterKey(name, id)) is ({ } letter, _, _))
                {
                    letters.Add(letter with { App = sidecar.AppId, Count = index!.Count });
                }
            }
        }

        return letters;
    }

    /// <summary>Takes it off the list, then deletes it. What is gone already is no failure.</summary>
    public async Task RemoveAsync(DeadLetter letter)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (index, etag, expiry) = await GetAsync<DeadLetterIndex>(IndexKey(letter.Topic));
            if (index is null || !index.Ids.Contains(letter.Id))
            {
                break;
            }

            var item = new
            {
                key = IndexKey(letter.Topic),
                value = index with { Ids = [.. index.Ids.Where(id => id != letter.Id)] },
                etag,
                options = new { concurrency = "first-write" },
                metadata = expiry is { } end ? Ttl(end) : [],
            };
            using var saved = await sidecar.Http.PostAsJsonAsync($"/v1.0/state/{store}", new[] { item }, Json, cancellationToken);
            if (saved.IsSuccessStatusCode)
            {
                break;
            }

            // The app has stored another one meanwhile.
            if (saved.StatusCode != HttpStatusCode.Conflict || attempt == MaxTries)
            {
                throw await FailedAsync($"the list of {letter.Topic} of {sidecar.AppId} could not be written", saved);
            }
        }

        using var deleted = await sidecar.Http.DeleteAsync(Address(LetterKey(letter.Topic, letter.Id)), cancellationToken);
        if (!deleted.IsSuccessStatusCode)
        {
            throw await FailedAsync($"{letter.Id} of {letter.Topic} could not be deleted", deleted);
        }
    }

    /// <summary>Publishes the payload again under its own id, as the app that published it did; returns when the broker has it.</summary>
    public async Task PublishAsync(DeadLetter letter, string component)
    {
        var isJson = letter.ContentType is null || letter.ContentType.Contains("json", StringComparison.OrdinalIgnoreCase) || letter.Payload.ValueKind != JsonValueKind.String;
        var source = letter.Source is null ? "" : $"&metadata.cloudevent.source={Uri.EscapeDataString(letter.Source)}";
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(isJson ? letter.Payload.GetRawText() : letter.Payload.GetString()!));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(letter.ContentType ?? "application/json");
        using var response = await sidecar.Http.PostAsync(
            $"/v1.0/publish/{Uri.EscapeDataString(component)}/{Uri.EscapeDataString(letter.Topic)}?metadata.cloudevent.id={Uri.EscapeDataString(letter.Id)}{source}",
            content, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await FailedAsync($"{letter.Id} could not be published on {component}/{letter.Topic} by {sidecar.AppId}, and stays", response);
        }
    }

    private static string IndexKey(string topic) => $"dead:{topic}";

    private static string LetterKey(string topic, string id) => $"dead:{topic}:{id}";

    private static Dictionary<string, string> Ttl(DateTimeOffset expiry) => new()
    {
        ["ttlInSeconds"] = Math.Max(1, (long)(expiry - TimeProvider.System.GetUtcNow()).TotalSeconds).ToString(CultureInfo.InvariantCulture),
    };

    private string Address(string key) => $"/v1.0/state/{store}/{Uri.EscapeDataString(key)}";

    private async Task<(T? Value, string? ETag, DateTimeOffset? Expiry)> GetAsync<T>(string key) where T : class
    {
        using var response = await sidecar.Http.GetAsync(Address(key), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NoContent || await HasNoStoreAsync(response))
        {
            return default;
        }

        if (!response.IsSuccessStatusCode)
        {
            throw await FailedAsync($"'{key}' of {sidecar.AppId} could not be read", response);
        }

        var expiry = response.Headers.TryGetValues("metadata.ttlExpireTime", out var times) ? DateTimeOffset.Parse(times.First(), CultureInfo.InvariantCulture) : (DateTimeOffset?)null;
        var etag = response.Headers.TryGetValues("ETag", out var etags) ? etags.First() : null;
        return (await response.Content.ReadFromJsonAsync<T>(Json, cancellationToken), etag, expiry);
    }

    private async Task<bool> HasNoStoreAsync(HttpResponseMessage response) => !response.IsSuccessStatusCode
        && await response.Content.ReadAsStringAsync(cancellationToken) is var body
        && (body.Contains("ERR_STATE_STORE_NOT_FOUND", StringComparison.Ordinal) || body.Contains("ERR_STATE_STORE_NOT_CONFIGURED", StringComparison.Ordinal));

    private async Task<LauncherException> FailedAsync(string what, HttpResponseMessage response) => new(
        $"{what}: {(int)response.StatusCode} {response.ReasonPhrase}: {(await response.Content.ReadAsStringAsync(cancellationToken)).ReplaceLineEndings(" ").Trim()}");
}
