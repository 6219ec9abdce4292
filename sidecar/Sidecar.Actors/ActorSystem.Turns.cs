using Microsoft.Extensions.Logging;
using Sidecar.Actors.Hosting;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.Turns;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Actors;

/// <content>Turns, activation and deactivation.</content>
public sealed partial class ActorSystem
{
    /// <summary>
    /// Does something in a turn of the actor, which is active then. The token ends the wait for the turn; what runs in the turn is told by
    /// <see cref="Activation.Ending"/>. Waits a while when nobody hosts the type.
    /// </summary>
    /// <param name="key">The actor.</param>
    /// <param name="chain">The chain of calls that this is part of, if the caller says so.</param>
    /// <param name="patient">Waits without end for a host, and behind any number of others.</param>
    /// <param name="turn">What to do, given the id of the chain: also actors that are not reentrant pass it on.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async Task<T> InTurnAsync<T>(ActorKey key, string? chain, bool patient, Func<Activation, string?, Task<T>> turn, CancellationToken cancellationToken)
    {
        while (true)
        {
            var settings = await FindSettingsAsync(key, patient, cancellationToken);
            chain ??= settings.IsReentrant ? Guid.NewGuid().ToString() : null;
            var actor = _actors.GetOrAdd(key, static key => new Actor(key));
            var entry = await actor.Turns.EnterAsync(settings.IsReentrant ? chain : null, settings.MaxStackDepth, patient ? int.MaxValue : _options.MaxWaitingCalls, cancellationToken);
            if (entry == Entry.Retired)
            {
                _actors.TryRemove(KeyValuePair.Create(key, actor));
                continue;
            }

            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (entry == Entry.Nested)
                {
                    return await turn(actor.Activation ?? throw ActorErrors.Invoke("the actor's host is gone"), chain);
                }

                if (await ActivateAsync(actor) is { } activation)
                {
                    return await turn(activation, chain);
                }
            }
            finally
            {
                Exit(actor);
            }
        }
    }

    /// <summary>Settings of the host that the actor belongs to, which is where it is active but for a moment after hosts have changed.</summary>
    private async ValueTask<ActorTypeSettings> FindSettingsAsync(ActorKey key, bool patient, CancellationToken cancellationToken) =>
        _actors.TryGetValue(key, out var actor) && actor.Activation is { } active && active.Version == _hosts.Version
            ? active.Settings
            : (await _hosts.FindAsync(key, patient ? Timeout.InfiniteTimeSpan : _options.LookupTimeout, cancellationToken)).Types[key.Type];

    /// <summary>Does something in a turn of this activation; nothing when it is over.</summary>
    internal async Task InTurnOfAsync(Activation activation, Func<string?, Task> turn)
    {
        var actor = activation.Actor;
        var chain = activation.Settings.IsReentrant ? Guid.NewGuid().ToString() : null;
        if (await actor.Turns.EnterAsync(chain, activation.Settings.MaxStackDepth, int.MaxValue, CancellationToken.None) == Entry.Retired)
        {
            return;
        }

        try
        {
            if (actor.Activation == activation && !activation.Ending.IsCancellationRequested)
            {
                await turn(chain);
            }
        }
        finally
        {
            Exit(actor);
        }
    }

    /// <summary>
    /// Makes a call to the app in a turn: with the timeout of its resiliency policy, until the activation ends, and for a while after its
    /// <paramref name="caller"/> has gone.
    /// </summary>
    internal async Task<T> LimitAsync<T>(Activation activation, Func<CancellationToken, Task<T>> call, CancellationToken caller)
    {
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, _time);
        await using var ending = activation.Ending.UnsafeRegister(static limit => ((CancellationTokenSource)limit!).Cancel(), limit);
        await using var abandoned = caller.UnsafeRegister(_ => limit.CancelAfter(_options.AbandonedTurnTimeout), null);
        var (key, app) = (activation.Actor.Key, activation.Host.App);
        try
        {
            return await new ExecutionPolicy(app.Resiliency.ForActor(key.Type, key.Id).Timeout, null, null).ExecuteAsync(
                call, _ => default, _ => true, _time, limit.Token);
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested)
        {
            throw new AppUnreachableException(
                activation.Ending.IsCancellationRequested ? "the actor was deactivated in the middle of the call" : "the app did not answer and the caller had gone", exception);
        }
    }

    /// <summary>Sees to it that the actor, whose turn the caller has, is active where it belongs; null when nobody hosts it.</summary>
    private async ValueTask<Activation?> ActivateAsync(Actor actor)
    {
        if (actor.Activation is { } current)
        {
            if (IsRight(current) && !current.Ending.IsCancellationRequested)
            {
                return current;
            }

            await DeactivateAsync(current);
        }

        if (_hosts.Activate(this, actor) is not { } activation)
        {
            return null;
        }

        activation.LastUsed = _time.GetUtcNow();
        activation.IdleCheck = new DueEntry(() => CheckIdleAsync(activation));
        _due.Schedule(activation.IdleCheck, activation.LastUsed + activation.Settings.IdleTimeout);
        LogActivated(_logger, actor.Key.Type, actor.Key.Id, activation.Host.App.Instance.AppId, activation.Host.App.Instance.Index);
        return activation;
    }

    private bool IsRight(Activation activation)
    {
        var version = _hosts.Version;
        if (activation.Version == version)
        {
            return true;
        }

        if (_hosts.Choose(activation.Actor.Key) != activation.Host)
        {
            return false;
        }

        activation.Version = version;
        return true;
    }

    /// <summary>
    /// Ends the activation; the caller has the turn. The app is told when it is there, and may still use the actor's state. Whatever it
    /// answers, the actor is not active afterwards.
    /// </summary>
    private async Task DeactivateAsync(Activation activation)
    {
        var (key, app) = (activation.Actor.Key, activation.Host.App);
        _due.Cancel(activation.IdleCheck!);
        activation.Timers.StopAll();
        if (!activation.Host.IsGone)
        {
            try
            {
                using var limit = new CancellationTokenSource(_options.DeactivationTimeout, _time);
                await AppCalls.DeactivateAsync(activation, limit.Token);
            }
            catch (Exception exception)
            {
                LogNotDeactivated(_logger, key.Type, key.Id, app.Instance.AppId, app.Instance.Index, exception.Message);
            }
        }

        activation.End();
        await activation.Writes.CloseAsync();
        activation.Actor.Activation = null;
    }

    /// <summary>The idle timeout has passed since some use of the actor: ends the activation, or looks again when there was a later one.</summary>
    private async Task CheckIdleAsync(Activation activation)
    {
        var actor = activation.Actor;
        if (await actor.Turns.EnterAheadAsync() == Entry.Retired)
        {
            return;
        }

        try
        {
            if (actor.Activation != activation)
            {
                return;
            }

            var idleAt = activation.LastUsed + activation.Settings.IdleTimeout;
            if (_time.GetUtcNow() < idleAt)
            {
                _due.Schedule(activation.IdleCheck!, idleAt);
                return;
            }

            await DeactivateAsync(activation);
        }
        finally
        {
            Exit(actor);
        }
    }

    /// <summary>Leaves a turn; an actor that is not active and that nobody waits for is forgotten.</summary>
    private void Exit(Actor actor)
    {
        if (actor.Turns.Exit(retire: actor.Activation is null))
        {
            _actors.TryRemove(KeyValuePair.Create(actor.Key, actor));
        }
    }

    [LoggerMessage(5010, LogLevel.Debug, "Actor {Type}/{Id} is active in {AppId} #{Index}")]
    private static partial void LogActivated(ILogger logger, string type, string id, string appId, int index);

    [LoggerMessage(5011, LogLevel.Warning, "Actor {Type}/{Id}: {AppId} #{Index} did not confirm its deactivation: {Problem}")]
    private static partial void LogNotDeactivated(ILogger logger, string type, string id, string appId, int index, string problem);
}
