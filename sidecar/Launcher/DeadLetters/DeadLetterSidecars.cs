using Launcher.Access;
using Launcher.Data;

namespace Launcher.DeadLetters;

/// <summary>The dead letters of all apps of a run, or of one. One sidecar is asked at a time: without the run only one can hold the data.</summary>
internal sealed class DeadLetterSidecars(
    DataDirectory data, string? app, string? topic, string store, TimeProvider time, CancellationToken cancellationToken) : IAsyncDisposable
{
    /// <summary>Component of dead letters that do not say theirs.</summary>
    private const string DefaultComponent = "pubsub";

    private readonly string[] _apps = [.. SidecarAccess.ReadRun(data).Instances.Select(instance => instance.AppId).Distinct()];
    private SidecarAccess? _open;

    /// <summary>Whether the sidecar that was asked last was there for that alone.</summary>
    public bool IsOffline => _open is { IsOffline: true };

    public async Task<List<DeadLetter>> ListAsync()
    {
        // Each app that is asked without its run takes a sidecar's start.
        var letters = new List<DeadLetter>();
        foreach (var id in app is null && RunState.Live(data) is not null ? _apps : new string?[] { app })
        {
            letters.AddRange(await (await OfAsync(id)).ListAsync(topic));
        }

        return letters;
    }

    public async Task RemoveAsync(DeadLetter letter) => await (await OfAsync(letter.App)).RemoveAsync(letter);

    /// <summary>Through the app that published it, for it may; through its own where that one is not of this run.</summary>
    public async Task PublishAsync(DeadLetter letter) => await (await OfAsync(letter.Source is { } source && _apps.Contains(source) ? source : letter.App))
        .PublishAsync(letter, letter.Component ?? DefaultComponent);

    public async ValueTask DisposeAsync()
    {
        if (_open is { } open)
        {
            _open = null;
            await open.DisposeAsync();
        }
    }

    private async Task<DeadLetterClient> OfAsync(string? id)
    {
        if (_open is null || (id is not null && _open.AppId != id))
        {
            await DisposeAsync();
            _open = await SidecarAccess.OfRunOrDataAsync(data, id, time, cancellationToken);
        }

        return new DeadLetterClient(_open, store, cancellationToken);
    }
}
