using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;

namespace ScanClient;

/// <summary>A log event as a client saw it.</summary>
public sealed record SeenEvent(long Seq, string Stage, string Status, int Progress, JsonElement Data);

/// <summary>
/// Follows a job's event stream to its end: reconnects with Last-Event-ID whenever the connection ends or cannot be made, and
/// checks on the way that every event comes once, in order, without gaps, and that progress never goes back. A browser reconnects
/// the same way but gives up on an answer other than 200; <see cref="Failures"/> says where it would have.
/// </summary>
/// <param name="user">Whose job it is.</param>
/// <param name="jobs">Path of the jobs; <c>/api/v1/jobs</c> has those of every app.</param>
public sealed class JobStream(ScanUser user, string jobs = "/api/v1/scan")
{
    private readonly List<SeenEvent> _events = [];

    /// <summary>Events in the order they came.</summary>
    public IReadOnlyList<SeenEvent> Events => _events;

    /// <summary>What was wrong with the stream; empty when it kept its contract.</summary>
    public IList<string> Violations { get; } = [];

    /// <summary>Connections that were refused, answered 5xx or broke off; ending cleanly before the terminal event is none.</summary>
    public IList<string> Failures { get; } = [];

    /// <summary>How often the connection was made again.</summary>
    public int Reconnects { get; private set; }

    /// <summary>Last status of stage done, null before it.</summary>
    public string? Terminal => _events is [.., { Stage: "done" } last] ? last.Status : null;

    /// <summary>Reads until the terminal event; <see cref="OperationCanceledException"/> when that takes too long.</summary>
    public async Task<SeenEvent> ReadToEndAsync(Guid jobId, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (await ReadOnceAsync(jobId, cancellationToken))
                {
                    return _events[^1];
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
            {
                // What counts is what the next one delivers.
                Failures.Add(exception.Message);
            }

            Reconnects++;
            await Task.Delay(Random.Shared.Next(20, 200), cancellationToken);
        }
    }

    private async Task<bool> ReadOnceAsync(Guid jobId, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{jobs}/{jobId}/events");
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (_events.Count > 0)
        {
            request.Headers.Add("Last-Event-ID", _events[^1].Seq.ToString("D"));
        }

        using var response = await user.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NoContent)
        {
            Violations.Add("204 before the terminal event was seen");
            throw new InvalidOperationException("the stream is over, but its terminal event never came");
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            if ((int)response.StatusCode is >= 400 and < 500)
            {
                Violations.Add($"the stream answered {(int)response.StatusCode}");
                throw new InvalidOperationException($"the stream answered {(int)response.StatusCode}");
            }

            Failures.Add($"the stream answered {(int)response.StatusCode}");
            return false;
        }

        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var item in SseParser.Create(body).EnumerateAsync(cancellationToken))
        {
            if (item.EventId is null || item.Data is not { Length: > 0 } || !item.Data.Contains("\"seq\"", StringComparison.Ordinal))
            {
                continue;
            }

            var data = JsonDocument.Parse(item.Data).RootElement;
            Add(new SeenEvent(
                data.GetProperty("seq").GetInt64(), data.GetProperty("stage").GetString()!, data.GetProperty("status").GetString()!,
                data.GetProperty("progress").GetInt32(), data), item.EventId, item.EventType);
            if (Terminal is not null)
            {
                return true;
            }
        }

        return false;
    }

    private void Add(SeenEvent seen, string id, string type)
    {
        var expected = _events.Count + 1;
        if (seen.Seq != expected)
        {
            Violations.Add($"seq {seen.Seq} where {expected} was due");
        }

        if (id != seen.Seq.ToString("D") || type != seen.Stage)
        {
            Violations.Add($"frame id {id} and event {type} do not fit seq {seen.Seq} of stage {seen.Stage}");
        }

        if (_events.Count > 0 && seen.Progress < _events[^1].Progress)
        {
            Violations.Add($"progress went from {_events[^1].Progress} to {seen.Progress}");
        }

        _events.Add(seen);
    }
}
