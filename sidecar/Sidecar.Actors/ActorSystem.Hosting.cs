using System.Text.Json;
using Microsoft.Extensions.Logging;
using Sidecar.Actors.Hosting;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <content>Hosts come and go, and actors move.</content>
public sealed partial class ActorSystem
{
    private static readonly Dictionary<string, ActorTypeSettings> NoTypes = [];

    /// <summary>The app is up: reads what it hosts and lets actors in. What it returns is disposed when the app is gone or its start is given up.</summary>
    private async Task<IAsyncDisposable?> JoinAsync(ActorRuntime runtime, CancellationToken cancellationToken)
    {
        var types = await ReadConfigAsync(runtime.App, cancellationToken) ?? NoTypes;
        var (appId, index) = (runtime.App.Instance.AppId, runtime.App.Instance.Index);
        if (types.Count > 0 && !runtime.HasStore)
        {
            LogNoStore(_logger, appId, index);
            types = NoTypes;
        }

        var host = runtime.Host = new ActorHost(runtime.App, types);
        if (types.Count == 0)
        {
            return null;
        }

        _hosts.Add(host);
        LogHosts(_logger, appId, index, string.Join(", ", types.Keys));
        Rebalance();
        return new Membership(this, runtime, host, cancellationToken);
    }

    private async Task<IReadOnlyDictionary<string, ActorTypeSettings>?> ReadConfigAsync(AppInstance app, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(app.Timeouts.Subscribe, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await AppCalls.ReadConfigAsync(app, limit.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer to GET /dapr/config within {app.Timeouts.Subscribe}", exception);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            LogUnreadable(_logger, app.Instance.AppId, app.Instance.Index, exception.Message);
            return null;
        }
    }

    private async Task LeaveAsync(ActorRuntime runtime, ActorHost host, bool isGone)
    {
        if (_isStopping)
        {
            // Deliveries that still run in other apps may need these actors; StopAsync ends them.
            return;
        }

        host.IsGone = isGone;
        _hosts.Remove(host);
        // After it: who sees that the app is gone is not led there any more.
        runtime.Host = null;
        await Task.WhenAll(_actors.Values.Select(actor => actor.Activation is { } active && active.Host == host
            ? RetireAsync(active, GraceAsync(active))
            : Task.CompletedTask));
    }

    /// <summary>Sends away the actors that belong elsewhere since a host has come.</summary>
    private void Rebalance()
    {
        foreach (var actor in _actors.Values)
        {
            if (actor.Activation is { } active && _hosts.Choose(actor.Key) != active.Host)
            {
                _ = RetireAsync(active, GraceAsync(active));
            }
        }
    }

    /// <summary>How long a running call may go on when its actor has to move (protocol: HTTP §6.1).</summary>
    private Task GraceAsync(Activation activation) =>
        activation.Host.IsGone || !activation.Settings.DrainsCalls ? Task.CompletedTask : Task.Delay(activation.Settings.DrainTimeout, _time);

    /// <summary>
    /// Ends an activation after the running turn, which is cut off when <paramref name="grace"/> is over. Calls that wait go on where the
    /// actor then is.
    /// </summary>
    private async Task RetireAsync(Activation activation, Task grace)
    {
        var actor = activation.Actor;
        var turn = actor.Turns.EnterAheadAsync().AsTask();
        await Task.WhenAny(turn, grace);
        if (!turn.IsCompleted)
        {
            activation.End();
        }

        if (await turn == Entry.Retired)
        {
            return;
        }

        try
        {
            if (actor.Activation == activation && (!IsRight(activation) || activation.Ending.IsCancellationRequested))
            {
                await DeactivateAsync(activation);
            }
        }
        finally
        {
            Exit(actor);
        }
    }

    private sealed class Membership(ActorSystem system, ActorRuntime runtime, ActorHost host, CancellationToken gone) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await system.LeaveAsync(runtime, host, gone.IsCancellationRequested);
    }

    [LoggerMessage(5001, LogLevel.Information, "{AppId} #{Index} hosts actors of {Types}")]
    private static partial void LogHosts(ILogger logger, string appId, int index, string types);

    [LoggerMessage(5002, LogLevel.Error, "{AppId} #{Index} wants to host actors, but no state store in its scope has metadata actorStateStore: \"true\"")]
    private static partial void LogNoStore(ILogger logger, string appId, int index);

    [LoggerMessage(5003, LogLevel.Error, "{AppId} #{Index}: its answer to GET /dapr/config cannot be read ({Problem}); it hosts no actors")]
    private static partial void LogUnreadable(ILogger logger, string appId, int index, string problem);
}
