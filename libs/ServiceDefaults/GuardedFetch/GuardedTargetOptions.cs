namespace ServiceDefaults.GuardedFetch;

/// <summary>Which addresses that users name may be asked.</summary>
public abstract class GuardedTargetOptions
{
    /// <summary>
    /// The only hosts that may be asked: names, or <c>*.example.com</c> for all below one. Their addresses must be public too. Empty (default): every host
    /// whose addresses are all public.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Hosts whose addresses may be loopback, at any port. Development only: elsewhere the app does not start with any. Default none.</summary>
    public IList<string> LoopbackHosts { get; } = [];

    /// <summary>Whether plain http is taken as well. Default false.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Ports that may be asked. Default 443, and 80 with <see cref="AllowHttp"/>.</summary>
    public IList<int> Ports { get; } = [];
}
