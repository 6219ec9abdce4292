using Sidecar.Abstractions;
using Sidecar.Actors.Hosting;
using Sidecar.Actors.State;
using Sidecar.Actors.Turns;
using Sidecar.Runtime;

namespace Sidecar.Actors;

/// <summary>
/// The actor API of one app instance, for both front doors (protocol: HTTP §6.2). Everything that goes wrong is a
/// <see cref="DaprErrorException"/>.
/// </summary>
public sealed partial class ActorRuntime
{
    private readonly ActorSystem _system;
    private readonly ActorStore? _store;

    internal ActorRuntime(ActorSystem system, AppInstance app, ActorStore? store) => (_system, App, _store) = (system, app, store);

    /// <summary>Active actors of this instance by type; null while the app is not up.</summary>
    public IReadOnlyList<ActiveActors>? Active => Host is { } host ? _system.Count(host) : null;

    internal AppInstance App { get; }

    internal bool HasStore => _store is not null;

    /// <summary>What the app hosts; null while it is not up.</summary>
    internal ActorHost? Host { get; set; }

    /// <summary>The actor's value, or null.</summary>
    public async Task<StateItem?> GetStateAsync(string type, string id, string key, CancellationToken cancellationToken)
    {
        var (activation, store) = Hosted(type, id);
        try
        {
            return await store.GetAsync(store.Key(activation.Actor.Key, key), cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw ActorErrors.StateGet(exception);
        }
    }

    /// <summary>Performs all writes or none.</summary>
    public async Task TransactStateAsync(string type, string id, IReadOnlyList<ActorStateOperation> operations, CancellationToken cancellationToken)
    {
        var (activation, store) = Hosted(type, id);
        StateWrite[] writes = [.. operations.Select(operation => new StateWrite(store.Key(activation.Actor.Key, operation.Key), operation.Value, Ttl: Ttl(operation)))];
        if (writes.Length == 0)
        {
            return;
        }

        if (!activation.Writes.TryEnter())
        {
            throw ActorErrors.InstanceMissing();
        }

        try
        {
            await store.TransactAsync(writes, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw ActorErrors.StateSave(exception.Message, exception);
        }
        finally
        {
            activation.Writes.Exit();
        }
    }

    /// <summary>An actor that is active here: nobody else may touch its state.</summary>
    private (Activation Activation, ActorStore Store) Hosted(string type, string id)
    {
        var key = ActorKey.Of(type, id);
        var store = _store ?? throw ActorErrors.RuntimeNotFound();
        return (_system.FindActive(key, App) ?? throw ActorErrors.InstanceMissing(), store);
    }

    private static TimeSpan? Ttl(ActorStateOperation operation)
    {
        if (operation.Metadata["ttlInSeconds"] is not { Length: > 0 } text)
        {
            return null;
        }

        return int.TryParse(text, out var seconds)
            ? seconds > 0 ? TimeSpan.FromSeconds(seconds) : null
            : throw ActorErrors.StateSave($"ttlInSeconds '{text}' is not an integer");
    }
}
