using System.Net;
using System.Net.Http.Json;
using Contracts.Jobs;
using ServiceDefaults;
using ServiceDefaults.JobLog;

namespace ScanWorker.Tests;

/// <summary>event-router for one job, in memory: known keys change nothing, nothing comes after the end.</summary>
internal sealed class FakeJobLog : HttpMessageHandler
{
    private readonly Lock _lock = new();
    private readonly List<JobEventInput> _entries = [];

    /// <summary>Runs with the event's key before it takes effect.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs with the event's key after it took effect and before the answer.</summary>
    public Func<string, Task> After { get; set; } = _ => Task.CompletedTask;

    public IReadOnlyList<JobEventInput> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public IEnumerable<string> Keys => Entries.Select(entry => entry.Key);

    public JobLogClient Client() => new(new HttpClient(this, disposeHandler: false) { BaseAddress = new Uri("http://event-router") });

    public void Add(JobEventInput entry)
    {
        lock (_lock)
        {
            _entries.Add(entry);
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var command = (await request.Content!.ReadFromJsonAsync<AppendJobEvents>(TandemJson.Options, cancellationToken))!;
        var input = Assert.Single(command.Events);
        await Before(input.Key);
        lock (_lock)
        {
            if (_entries.TrueForAll(entry => entry.Key != input.Key))
            {
                if (_entries.Exists(entry => entry.Stage == JobWords.Done))
                {
                    return new HttpResponseMessage(HttpStatusCode.Conflict) { Content = JsonContent.Create(new { code = "JOB_CLOSED" }) };
                }

                _entries.Add(input);
            }
        }

        await After(input.Key);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = JsonContent.Create(new AppendedJobEvents(1, false), options: TandemJson.Options) };
    }
}
