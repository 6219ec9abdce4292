using System.Text.Json;

namespace Dapr.Actors.Runtime;

/// <summary>How the app hosts actors. All but the registrations can be given for one class as well.</summary>
public sealed class ActorRuntimeOptions
{
    /// <summary>The classes of actors that the app hosts.</summary>
    public ActorRegistrationCollection Actors { get; } = [];

    /// <summary>After how long without a call an actor is deactivated; default is the sidecar's, 1 h.</summary>
    public TimeSpan? ActorIdleTimeout { get; set => field = Positive(value); }

    /// <summary>How often the sidecar looks for idle actors; today's sidecars need no such interval.</summary>
    public TimeSpan? ActorScanInterval { get; set => field = Positive(value); }

    /// <summary>How long a running call is waited for when actors move; default is the sidecar's, 2 s.</summary>
    public TimeSpan? DrainOngoingCallTimeout { get; set => field = Positive(value); }

    /// <summary>Whether running calls are waited for when actors move; not said to the sidecar when false.</summary>
    public bool DrainRebalancedActors { get; set; }

    /// <summary>Whether chains of calls may come back; default no.</summary>
    public ActorReentrancyConfig ReentrancyConfig { get; set; } = new();

    /// <summary>How actors' states, and arguments and results that are JSON, are written and read; default web defaults.</summary>
    public JsonSerializerOptions JsonSerializerOptions
    {
        get;
        set => field = value ?? throw new ArgumentNullException(nameof(value));
    } = new(JsonSerializerDefaults.Web);

    /// <summary>Whether typed proxies of this app write JSON; the host understands either form.</summary>
    public bool UseJsonSerialization { get; set; }

    /// <summary>Token for the sidecar; default DAPR_API_TOKEN.</summary>
    public string? DaprApiToken { get; set; }

    /// <summary>Address of the sidecar's HTTP API; default DAPR_HTTP_ENDPOINT, else DAPR_HTTP_PORT.</summary>
    public string? HttpEndpoint { get; set; }

    /// <summary>Into how many parts an old sidecar divides its reminders.</summary>
    public int? RemindersStoragePartitions
    {
        get;
        set => field = value is <= 0 ? throw new ArgumentOutOfRangeException(nameof(value), value, "There is one partition at least.") : value;
    }

    private static TimeSpan? Positive(TimeSpan? value) => value is { } time && time <= TimeSpan.Zero
        ? throw new ArgumentOutOfRangeException(nameof(value), value, "The time must be positive.")
        : value;
}
