using Dapr.Actors.Client;
using Microsoft.Extensions.Logging;

namespace Dapr.Actors.Runtime;

/// <summary>Base of actors: one instance for each id, one call at a time, state that is saved when a call has succeeded.</summary>
public abstract class Actor
{
    /// <summary>Creates the actor.</summary>
    protected Actor(ActorHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        Host = host;
        StateManager = new ActorStateManager(host);
        Logger = host.LoggerFactory.CreateLogger(GetType());
    }

    /// <summary>What the actor was given by its host.</summary>
    public ActorHost Host { get; }

    /// <summary>The actor's id.</summary>
    public ActorId Id => Host.Id;

    /// <summary>The actor's state.</summary>
    public IActorStateManager StateManager { get; protected set; }

    /// <summary>Makes proxies of other actors.</summary>
    public IActorProxyFactory ProxyFactory => Host.ProxyFactory;

    /// <summary>The actor's log.</summary>
    protected ILogger Logger { get; }

    /// <summary>Called before the first call.</summary>
    protected virtual Task OnActivateAsync() => Task.CompletedTask;

    /// <summary>Called when the actor has been idle for long, or moves. Changes of state are not saved any more.</summary>
    protected virtual Task OnDeactivateAsync() => Task.CompletedTask;

    /// <summary>Called before each method, timer and reminder.</summary>
    protected virtual Task OnPreActorMethodAsync(ActorMethodContext actorMethodContext) => Task.CompletedTask;

    /// <summary>Called after each method, timer and reminder that succeeded, before its changes are saved.</summary>
    protected virtual Task OnPostActorMethodAsync(ActorMethodContext actorMethodContext) => Task.CompletedTask;

    /// <summary>Called after each method, timer and reminder that failed.</summary>
    protected virtual Task OnActorMethodFailedAsync(ActorMethodContext actorMethodContext, Exception e) => Task.CompletedTask;

    /// <summary>Saves what has changed so far, whatever becomes of the method.</summary>
    protected Task SaveStateAsync() => StateManager.SaveStateAsync();

    /// <summary>Registers a reminder without end.</summary>
    protected Task<IActorReminder> RegisterReminderAsync(string reminderName, byte[]? state, TimeSpan dueTime, TimeSpan period) =>
        RegisterAsync(new ActorReminder(Host.ActorTypeInfo.ActorTypeName, Id, reminderName, state, dueTime, period));

    /// <summary>Registers a reminder that ends after a time.</summary>
    protected Task<IActorReminder> RegisterReminderAsync(string reminderName, byte[]? state, TimeSpan dueTime, TimeSpan period, TimeSpan ttl) =>
        RegisterAsync(new ActorReminder(Host.ActorTypeInfo.ActorTypeName, Id, reminderName, state, dueTime, period, ttl));

    /// <summary>Registers a reminder that ends after some turns.</summary>
    protected Task<IActorReminder> RegisterReminderAsync(string reminderName, byte[]? state, TimeSpan dueTime, TimeSpan period, int repetitions) =>
        RegisterAsync(new ActorReminder(Host.ActorTypeInfo.ActorTypeName, Id, reminderName, state, dueTime, period, repetitions));

    /// <summary>Registers a reminder that ends after some turns or a time.</summary>
    protected Task<IActorReminder> RegisterReminderAsync(
        string reminderName, byte[]? state, TimeSpan dueTime, TimeSpan period, int repetitions, TimeSpan ttl) =>
        RegisterAsync(new ActorReminder(Host.ActorTypeInfo.ActorTypeName, Id, reminderName, state, dueTime, period, repetitions, ttl));

    /// <summary>Returns a reminder; null when there is none of the name.</summary>
    protected Task<IActorReminder> GetReminderAsync(string reminderName) =>
        Host.TimerManager.GetReminderAsync(new ActorReminderToken(Host.ActorTypeInfo.ActorTypeName, Id, reminderName));

    /// <summary>Removes a reminder.</summary>
    protected Task UnregisterReminderAsync(IActorReminder reminder)
    {
        ArgumentNullException.ThrowIfNull(reminder);
        return UnregisterReminderAsync(reminder.Name);
    }

    /// <summary>Removes a reminder.</summary>
    protected Task UnregisterReminderAsync(string reminderName) =>
        Host.TimerManager.UnregisterReminderAsync(new ActorReminderToken(Host.ActorTypeInfo.ActorTypeName, Id, reminderName));

    /// <summary>Registers a timer without end. It calls a method by name, with the bytes when the method takes an argument.</summary>
    public Task<ActorTimer> RegisterTimerAsync(string timerName, string callback, byte[]? callbackParams, TimeSpan dueTime, TimeSpan period) =>
        RegisterAsync(new ActorTimer(Host.ActorTypeInfo.ActorTypeName, Id, timerName, callback, callbackParams, dueTime, period));

    /// <summary>Registers a timer that ends after a time.</summary>
    public Task<ActorTimer> RegisterTimerAsync(
        string timerName, string callback, byte[]? callbackParams, TimeSpan dueTime, TimeSpan period, TimeSpan ttl) =>
        RegisterAsync(new ActorTimer(Host.ActorTypeInfo.ActorTypeName, Id, timerName, callback, callbackParams, dueTime, period, ttl));

    /// <summary>Removes a timer.</summary>
    protected Task UnregisterTimerAsync(ActorTimer timer)
    {
        ArgumentNullException.ThrowIfNull(timer);
        return UnregisterTimerAsync(timer.Name);
    }

    /// <summary>Removes a timer.</summary>
    protected Task UnregisterTimerAsync(string timerName) =>
        Host.TimerManager.UnregisterTimerAsync(new ActorTimerToken(Host.ActorTypeInfo.ActorTypeName, Id, timerName));

    /// <summary>Activation is a turn of its own: what it changes is saved.</summary>
    internal async Task ActivateAsync()
    {
        await OnActivateAsync().ConfigureAwait(false);
        await StateManager.SaveStateAsync().ConfigureAwait(false);
    }

    internal Task DeactivateAsync() => OnDeactivateAsync();

    /// <summary>One turn: what it changes is saved when it succeeds and forgotten when it fails (dapr-sdk §6.2).</summary>
    internal async Task<T> TurnAsync<T>(ActorMethodContext context, Func<Task<T>> body)
    {
        try
        {
            await OnPreActorMethodAsync(context).ConfigureAwait(false);
            var result = await body().ConfigureAwait(false);
            await OnPostActorMethodAsync(context).ConfigureAwait(false);
            await StateManager.SaveStateAsync().ConfigureAwait(false);
            return result;
        }
        catch (Exception exception)
        {
            try
            {
                await OnActorMethodFailedAsync(context, exception).ConfigureAwait(false);
            }
            finally
            {
                await StateManager.ClearCacheAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    private async Task<IActorReminder> RegisterAsync(ActorReminder reminder)
    {
        await Host.TimerManager.RegisterReminderAsync(reminder).ConfigureAwait(false);
        return reminder;
    }

    private async Task<ActorTimer> RegisterAsync(ActorTimer timer)
    {
        _ = TimerCallbacks.Find(GetType(), timer.TimerCallback);
        await Host.TimerManager.RegisterTimerAsync(timer).ConfigureAwait(false);
        return timer;
    }
}
