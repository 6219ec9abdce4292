using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Actors.Hosting;
using Sidecar.Actors.Reminders;
using Sidecar.Actors.Schedules;
using Sidecar.Actors.State;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <summary>
/// All actors of a process. It knows every host of every type, so placement is a choice among them and an actor one object: calls from
/// any app take turns in its queue, and who has the turn sees to it that the actor is active where it belongs, and only there.
/// </summary>
public sealed partial class ActorSystem : IAsyncDisposable
{
    private readonly ActorOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly HostTable _hosts;
    private readonly DueQueue _due;
    private readonly ConcurrentDictionary<ActorKey, Actor> _actors = [];
    private readonly ConcurrentDictionary<AppInstance, ActorRuntime> _runtimes = [];
    private volatile bool _isStopping;

    public ActorSystem(ActorOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        (_options, _time, _logger) = (options, time, loggers.CreateLogger<ActorSystem>());
        _hosts = new HostTable(time);
        _due = new DueQueue(time);
        Reminders = new ReminderTable(this);
    }

    /// <summary>
    /// Adds an app instance, whose components are loaded, with the reminders in its store: from now on it hosts what it says in <c>/dapr/config</c> whenever it is up. Throws
    /// <see cref="ComponentException"/> when its store for actors is of no use.
    /// </summary>
    public async Task AddAsync(AppInstance app, CancellationToken cancellationToken = default)
    {
        var store = ActorStore.Find(app);
        if (store is not null && _runtimes.Keys.All(other => other.Instance.AppId != app.Instance.AppId))
        {
            await Reminders.LoadAsync(store, cancellationToken);
        }

        var runtime = _runtimes[app] = new ActorRuntime(this, app, store);
        app.Hosting = token => JoinAsync(runtime, token);
    }

    /// <summary>The actor API of an app instance.</summary>
    public ActorRuntime Runtime(AppInstance app) => _runtimes[app];

    /// <summary>Nothing falls due any more. Calls go on, for what runs in the apps may need actors to finish.</summary>
    public async Task BeginStopAsync()
    {
        _isStopping = true;
        await _due.DisposeAsync();
    }

    /// <summary>Lets running turns finish within the time, then cuts them off, and deactivates all actors.</summary>
    public async Task StopAsync(TimeSpan drainTimeout)
    {
        await BeginStopAsync();
        _hosts.Close();
        var grace = Task.Delay(drainTimeout);
        var ends = Task.WhenAll(_actors.Values.Select(actor => actor.Activation is { } active ? RetireAsync(active, grace) : Task.CompletedTask));
        await ends.WaitAsync(drainTimeout + _options.DeactivationTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public ValueTask DisposeAsync() => new(StopAsync(TimeSpan.Zero));

    internal ReminderTable Reminders { get; }

    internal ActorOptions Options => _options;

    internal TimeProvider Time => _time;

    internal DueQueue Due => _due;

    internal ILogger Logger => _logger;

    /// <summary>The actor's activation in that app instance, or null.</summary>
    internal Activation? FindActive(ActorKey key, AppInstance app) =>
        _actors.TryGetValue(key, out var actor) && actor.Activation is { } activation && activation.Host.App == app ? activation : null;

    /// <summary>Active actors of a host by type; types without any too.</summary>
    internal IReadOnlyList<ActiveActors> Count(ActorHost host)
    {
        var counts = _actors.Values.Where(actor => actor.Activation?.Host == host).CountBy(actor => actor.Key.Type).ToDictionary();
        return [.. host.Types.Keys.Order(StringComparer.Ordinal).Select(type => new ActiveActors(type, counts.GetValueOrDefault(type)))];
    }
}
