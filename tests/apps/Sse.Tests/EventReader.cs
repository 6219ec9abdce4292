using System.Net;

namespace Sse.Tests;

/// <summary>One event as a browser would see it.</summary>
internal sealed record ReceivedEvent(long? Id, string Name, string Data);

/// <summary>A client of an event stream that parses it by the HTML standard.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly StreamReader? _lines;

    private EventReader(HttpResponseMessage response, Stream? body)
    {
        Response = response;
        _lines = body is null ? null : new StreamReader(body);
    }

    public HttpResponseMessage Response { get; }

    public HttpStatusCode Status => Response.StatusCode;

    public string? Retry { get; private set; }

    public static async Task<EventReader> OpenAsync(HttpClient client, string path, long? lastEventId)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
        {
            request.Headers.Add("Last-Event-ID", lastEventId.Value.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WaitAsync(SseApp.Patience);
        return new EventReader(response, response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStreamAsync() : null);
    }

    /// <summary>The next event, or null at the end of the stream.</summary>
    public async Task<ReceivedEvent?> NextAsync()
    {
        long? id = null;
        var (name, data) = ("message", (string?)null);
        while (await _lines!.ReadLineAsync().WaitAsync(SseApp.Patience) is { } line)
        {
            if (line.Length == 0)
            {
                if (data is not null)
                {
                    return new ReceivedEvent(id, name, data);
                }

                continue;
            }

            var (field, value) = line.Split(": ", 2) is [var f, var v] ? (f, v) : (line, "");
            switch (field)
            {
                case "id": id = long.Parse(value, System.Globalization.CultureInfo.InvariantCulture); break;
                case "event": name = value; break;
                case "data": data = value; break;
                case "retry": Retry = value; break;
            }
        }

        return null;
    }

    /// <summary>Log events up to a number of them, or to the end of the stream.</summary>
    public async Task<List<ReceivedEvent>> TakeAsync(int count = int.MaxValue)
    {
        var events = new List<ReceivedEvent>();
        while (events.Count < count && await NextAsync() is { } next)
        {
            if (next.Id is not null)
            {
                events.Add(next);
            }
        }

        return events;
    }

    public void Dispose()
    {
        _lines?.Dispose();
        Response.Dispose();
    }
}
