using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary><c>bindings.cron</c>: calls the app on a schedule; every replica fires. A tick that is still being handled swallows the ones that fall into it.</summary>
internal sealed class CronBinding(ComponentContext context, TimeProvider time) : IInputBinding
{
    private CronSchedule? _schedule;

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _schedule = CronSchedule.Parse(context.Metadata.Required("schedule"));
        return Task.CompletedTask;
    }

    public Task<IAsyncDisposable> ReadAsync(Func<BindingEvent, CancellationToken, Task> handler, CancellationToken cancellationToken) =>
        Task.FromResult<IAsyncDisposable>(new Ticker(_schedule!, handler, time));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Ticker : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _loop;

        public Ticker(CronSchedule schedule, Func<BindingEvent, CancellationToken, Task> handler, TimeProvider time) => _loop = LoopAsync(schedule, handler, time);

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop;
            _stop.Dispose();
        }

        private async Task LoopAsync(CronSchedule schedule, Func<BindingEvent, CancellationToken, Task> handler, TimeProvider time)
        {
            try
            {
                // A delay may end a little early: without its last tick the schedule would name the same second again.
                for (var last = time.GetUtcNow(); schedule.Next(time.GetUtcNow() is var now && now > last ? now : last) is { } next; last = next)
                {
                    await Task.Delay(next - time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero, time, _stop.Token);
                    try
                    {
                        await handler(
                            new BindingEvent(default, new ComponentMetadata(
                                [new("readTimeUTC", time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture)), new("timeZone", "Local")])), _stop.Token);
                    }
                    catch (Exception) when (!_stop.IsCancellationRequested)
                    {
                        // A tick that failed is over; the next one comes. The sidecar has logged why.
                    }
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // Stopped.
            }
        }
    }
}
