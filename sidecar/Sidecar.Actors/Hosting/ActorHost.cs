using Sidecar.Runtime;

namespace Sidecar.Actors.Hosting;

/// <summary>An app instance that hosts actors, from when it came up until it is gone; when it comes back it is another host.</summary>
internal sealed class ActorHost(AppInstance app, IReadOnlyDictionary<string, ActorTypeSettings> types)
{
    public AppInstance App { get; } = app;

    public IReadOnlyDictionary<string, ActorTypeSettings> Types { get; } = types;

    /// <summary>Whether the process of the app has ended, so that nothing is to be deactivated there.</summary>
    public bool IsGone { get; set; }

    /// <summary>What the host is worth for an actor; the same in every process and after every restart.</summary>
    public ulong Score(ulong actorHash) => Mix(actorHash ^ _seed);

    private readonly ulong _seed = Hash($"{app.Instance.AppId}#{app.Instance.Index}");

    /// <summary>64 bit FNV-1a.</summary>
    public static ulong Hash(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var character in text)
        {
            hash = (hash ^ character) * 1099511628211UL;
        }

        return hash;
    }

    /// <summary>MurmurHash3's finalizer: each bit of the input changes half of the output's.</summary>
    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdUL;
        value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53UL;
        return value ^ (value >> 33);
    }
}
