namespace Contracts;

/// <summary>Component names, the same in every <c>components/&lt;set&gt;</c>.</summary>
public static class Components
{
    /// <summary>Competing consumers.</summary>
    public const string PubSub = "pubsub";

    /// <summary>Every replica gets every message; carries hints whose truth is in a store.</summary>
    public const string Broadcast = "broadcast";

    /// <summary>Each app's own state, prefixed with its app id; also holds workflows.</summary>
    public const string StateStore = "statestore";

    /// <summary>Job logs, shared by event-router and sse.</summary>
    public const string JobLog = "joblog";

    /// <summary>Revoked sessions and tokens, written by auth, read by every app that verifies tokens.</summary>
    public const string Revocations = "revocations";

    /// <summary>Pictures.</summary>
    public const string Objects = "objects";

    /// <summary>Secrets.</summary>
    public const string Secrets = "secrets";

    /// <summary>Locks.</summary>
    public const string Lock = "lock";
}

/// <summary>App ids.</summary>
public static class Apps
{
    public const string Auth = "auth";
    public const string Desk = "desk";
    public const string Gateway = "gateway";
    public const string Images = "images";
    public const string Scan = "scan";
    public const string ScanWorker = "scan-worker";
    public const string EventRouter = "event-router";
    public const string Sse = "sse";
    public const string Characters = "characters";
    public const string Users = "users";
}
