using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.App;

/// <summary>
/// Starts one component. An attempt has the component's <c>initTimeout</c> (dapr/config §1); a server that is not up yet, or does not answer yet, is
/// tried again until that is over, or the longer <see cref="SidecarRun.ServerWait"/> of a run whose servers start beside it.
/// </summary>
internal static partial class ComponentStart
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Given to a component whose time is over, to say what it was waiting for.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(10);

    public static async Task<IComponent> RunAsync(
        Func<IComponent> make, ComponentManifest manifest, TimeSpan serverWait, bool check, ILogger logger, CancellationToken cancellationToken)
    {
        // Servers start in real time, whatever clock the sidecar has.
        var time = TimeProvider.System;
        var begin = time.GetTimestamp();
        // Nobody waits longer for what may be missing.
        var limit = manifest.IgnoreErrors || serverWait < manifest.InitTimeout ? manifest.InitTimeout : serverWait;
        Exception? absence = null;
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            var component = make();
            if (component is IOpenedComponent opened)
            {
                if (check)
                {
                    return component;
                }

                await opened.OpenAsync(cancellationToken);
                begin = time.GetTimestamp();
            }

            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var starting = Task.CompletedTask;
            try
            {
                var left = limit - time.GetElapsedTime(begin);
                left = left > manifest.InitTimeout ? manifest.InitTimeout : left > TimeSpan.Zero ? left : TimeSpan.Zero;
                over.CancelAfter(left);
                starting = component.InitAsync(over.Token);
                // The last word's time begins when the component has been told, however late that was.
                await Task.WhenAny(starting, Task.Delay(Timeout.InfiniteTimeSpan, time, over.Token));
                await starting.WaitAsync(LastWord, cancellationToken);
                return component;
            }
            catch (Exception exception)
            {
                var isCutShort = over.IsCancellationRequested;
                // One that goes on although its time is over is not started a second time beside it.
                var hasEnded = starting.IsCompleted;
                await component.DisposeAsync();
                cancellationToken.ThrowIfCancellationRequested();
                var mayPass = !check && component is not IOpenedComponent && (IsAbsence(exception) || (isCutShort && hasEnded));
                if (!mayPass || time.GetElapsedTime(begin) + pause >= limit)
                {
                    if (isCutShort && absence is not null)
                    {
                        // The last whole attempt says more than one that was cut short.
                        throw GaveUp(absence, limit);
                    }

                    if (exception is OperationCanceledException)
                    {
                        throw new TimeoutException();
                    }

                    if (!mayPass || !IsAbsence(exception))
                    {
                        throw;
                    }

                    throw GaveUp(exception, limit);
                }

                absence = IsAbsence(exception) ? exception : absence;
                var problem = exception is OperationCanceledException ? $"no answer within {manifest.InitTimeout}" : exception.Message;
                LogAgain(logger, manifest.Name, manifest.Type, problem);
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    private static ComponentException GaveUp(Exception absence, TimeSpan limit) => new(
        string.Create(CultureInfo.InvariantCulture, $"{absence.Message} (tried for {limit.TotalSeconds:0.#} s; start the server, or raise initTimeout)"), absence);

    /// <summary>Nobody listens, or the connection broke or ended; a wrong setting is a <see cref="ComponentException"/> and final.</summary>
    private static bool IsAbsence(Exception exception) => exception is SocketException or HttpRequestException
        || (exception is IOException { InnerException: SocketException or EndOfStreamException });

    [LoggerMessage(2005, LogLevel.Warning, "Component {Component} ({Type}) cannot start yet, trying again: {Problem}")]
    private static partial void LogAgain(ILogger logger, string component, string type, string problem);
}
