using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Testing.Components;

/// <summary>
/// Requests of the test, each of them at work from its sending until it is answered or has the sidecar wait for the clock. The sidecar knows them by a
/// header that nobody else sees.
/// </summary>
internal sealed class ClientCalls(TrafficRecorder traffic) : IStartupFilter
{
    private const string Header = "sidecar-host-call";

    /// <summary>For requests that wait for something else, such as the test.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _open = [];
    private readonly AsyncLocal<TaskCompletionSource?> _served = new();
    private long _sent;

    public async Task<T> RunAsync<T>(HttpRequestMessage request, Func<Task<T>> send)
    {
        var id = Interlocked.Increment(ref _sent).ToString(CultureInfo.InvariantCulture);
        var rest = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _open[id] = rest;
        request.Headers.Add(Header, id);
        _ = traffic.CountAsync(() => Task.WhenAny(rest.Task, Task.Delay(Limit, CancellationToken.None)));
        try
        {
            return await send();
        }
        finally
        {
            _open.TryRemove(id, out _);
            rest.TrySetResult();
        }
    }

    /// <summary>A timer was armed: where a request did that, it rests.</summary>
    public void OnArmed() => _served.Value?.TrySetResult();

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((HttpContext http, RequestDelegate serve) =>
        {
            if (http.Request.Headers.Remove(Header, out var id))
            {
                _served.Value = _open.GetValueOrDefault(id.ToString());
            }

            return serve(http);
        });
        next(app);
    };
}
