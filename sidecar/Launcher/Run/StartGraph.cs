namespace Launcher.Run;

/// <summary>Starts apps when those they depend on are ready: all at once where nobody waits for anybody.</summary>
internal sealed class StartGraph(IReadOnlyList<PlannedInstance> instances, Readiness readiness, TimeProvider time)
{
    private readonly Dictionary<PlannedInstance, TaskCompletionSource<long>> _ready =
        instances.ToDictionary(instance => instance, _ => new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>Starts the app in its turn; ends as its supervision does.</summary>
    public async Task StartAsync(PlannedInstance instance, Supervised process, CancellationToken cancellationToken)
    {
        await Task.WhenAll(WaitsFor(instance).Select(other => ReadyAsync(other, cancellationToken)));
        cancellationToken.ThrowIfCancellationRequested();
        var supervision = process.StartAsync();
        await await Task.WhenAny(supervision, SetReadyAsync(instance, cancellationToken));
        await supervision;
    }

    /// <summary>Completes when all of them are ready, with the timestamp of each.</summary>
    public Task<long[]> ReadyAsync(IEnumerable<PlannedInstance> chosen, CancellationToken cancellationToken) =>
        Task.WhenAll(chosen.Select(instance => _ready[instance].Task)).WaitAsync(cancellationToken);

    /// <summary>Who is not ready, and whom it waits for.</summary>
    public IEnumerable<string> Late() =>
        from instance in instances
        where instance.App.Command.Count > 0 && !_ready[instance].Task.IsCompleted
        let missing = WaitsFor(instance).Where(other => !_ready[other].Task.IsCompleted).Select(other => other.Name).ToList()
        select missing.Count == 0 ? instance.Name : $"{instance.Name} (waits for {string.Join(", ", missing)})";

    private IEnumerable<PlannedInstance> WaitsFor(PlannedInstance instance) =>
        instances.Where(other => instance.App.DependsOn.Contains(other.App.AppId));

    private async Task ReadyAsync(PlannedInstance instance, CancellationToken cancellationToken)
    {
        if (instance.App.Command.Count == 0)
        {
            // Somebody else starts it, so nobody here has begun to ask.
            await SetReadyAsync(instance, cancellationToken);
        }

        await _ready[instance].Task.WaitAsync(cancellationToken);
    }

    private async Task SetReadyAsync(PlannedInstance instance, CancellationToken cancellationToken)
    {
        if (instance.AppPort is { } port)
        {
            await readiness.AppAsync(port, instance.App.Health, cancellationToken);
        }

        _ready[instance].TrySetResult(time.GetTimestamp());
    }
}
