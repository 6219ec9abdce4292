using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Testing.Components;

/// <summary>
/// Requests to the sidecar, whose work they are while it serves them. Those of the test are at work on their way there as well, until the sidecar
/// waits for the clock, and on their way back. The sidecar knows them by a header that nobody else sees.
/// </summary>
internal sealed class ClientCalls(TrafficRecorder traffic) : IStartupFilter
{
    private const string Header = "sidecar-host-call";

    /// <summary>How long one is in the recorder's count at most: it may wait for something else, such as the test.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Call> _open = [];
    private readonly AsyncLocal<Call?> _served = new();
    private long _sent;

    /// <summary>The flow of the caller, which reads the answer, is work as well.</summary>
    public Task<T> RunAsync<T>(HttpRequestMessage request, Func<Task<T>> send)
    {
        traffic.Threads.Join();
        return SendAsync(request, send);
    }

    private async Task<T> SendAsync<T>(HttpRequestMessage request, Func<Task<T>> send)
    {
        var id = Interlocked.Increment(ref _sent).ToString(CultureInfo.InvariantCulture);
        var call = new Call();
        _open[id] = call;
        request.Headers.Add(Header, id);
        CountUntil(call.Rests);
        try
        {
            return await send();
        }
        finally
        {
            _open.TryRemove(id, out _);
            call.Rests.TrySetResult();
            call.IsAnswered.TrySetResult();
        }
    }

    /// <summary>
    /// Looks whether one is on its way, however long that takes. Each counts for so many looks at most: it may wait for something else, such as the test.
    /// </summary>
    public bool LookForAny(int looks)
    {
        var any = false;
        foreach (var (_, call) in _open)
        {
            any |= call.IsOnItsWay && call.Looks++ < looks;
        }

        return any;
    }

    /// <summary>A timer was armed: where a request did that, it rests.</summary>
    public void OnArmed() => _served.Value?.Rests.TrySetResult();

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (HttpContext http, RequestDelegate serve) =>
        {
            traffic.Threads.Join();
            var call = http.Request.Headers.Remove(Header, out var id) ? _open.GetValueOrDefault(id.ToString()) : null;
            _served.Value = call;
            try
            {
                await serve(http);
            }
            finally
            {
                if (call is not null)
                {
                    call.SetServed();
                    CountUntil(call.IsAnswered);
                }
            }
        });
        next(app);
    };

    private void CountUntil(TaskCompletionSource end) => _ = traffic.CountAsync(() => Task.WhenAny(end.Task, Task.Delay(Limit, CancellationToken.None)));

    private sealed class Call
    {
        private volatile bool _isServed;

        /// <summary>There or back.</summary>
        public bool IsOnItsWay => _isServed || !Rests.Task.IsCompleted;

        /// <summary>How many have found it on its way.</summary>
        public int Looks { get; set; }

        /// <summary>The sidecar waits for the clock, or has answered.</summary>
        public TaskCompletionSource Rests { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource IsAnswered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void SetServed() => _isServed = true;
    }
}
