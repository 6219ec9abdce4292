using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Runtime.Loading;

namespace Sidecar.Runtime.App;

/// <summary>Starts one component; a server that is not up yet is tried again until its <c>initTimeout</c> is over (dapr/config §1).</summary>
internal static partial class ComponentStart
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Given to a component whose time is over, to say what it was waiting for.</summary>
    private static readonly TimeSpan LastWord = TimeSpan.FromSeconds(1);

    public static async Task<IComponent> RunAsync(
        Func<IComponent> make, ComponentManifest manifest, bool check, ILogger logger, CancellationToken cancellationToken)
    {
        // Servers start in real time, whatever clock the sidecar has.
        var time = TimeProvider.System;
        var begin = time.GetTimestamp();
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
            try
            {
                var left = manifest.InitTimeout - time.GetElapsedTime(begin);
                left = left > TimeSpan.Zero ? left : TimeSpan.Zero;
                over.CancelAfter(left);
                await component.InitAsync(over.Token).WaitAsync(left + LastWord, cancellationToken);
                return component;
            }
            catch (Exception) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(cancellationToken);
            }
            catch (Exception) when (over.IsCancellationRequested && absence is not null)
            {
                // The last whole attempt says more than one that was cut short.
                throw absence;
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException();
            }
            catch (Exception exception) when (
                component is not IOpenedComponent && IsAbsence(exception) && time.GetElapsedTime(begin) + pause < manifest.InitTimeout)
            {
                absence = exception;
                LogAgain(logger, manifest.Name, manifest.Type, exception.Message);
                await component.DisposeAsync();
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>Nobody listens, or the connection broke; a wrong setting is a <see cref="ComponentException"/> and final.</summary>
    private static bool IsAbsence(Exception exception) => exception is SocketException or HttpRequestException
        || (exception is IOException { InnerException: SocketException });

    [LoggerMessage(2005, LogLevel.Warning, "Component {Component} ({Type}) cannot start yet, trying again: {Problem}")]
    private static partial void LogAgain(ILogger logger, string component, string type, string problem);
}
