namespace Dapr.Actors.Communication;

/// <summary>
/// The id of the chain of calls that this flow of control belongs to. The host takes it from the call that an actor gets, the
/// proxies hand it on, so that the chain may come back (HTTP §6.1).
/// </summary>
internal static class ActorReentrancy
{
    public const string Header = "Dapr-Reentrancy-Id";

    private static readonly AsyncLocal<string?> Current = new();

    public static string? Chain
    {
        get => Current.Value;
        set => Current.Value = value;
    }
}
