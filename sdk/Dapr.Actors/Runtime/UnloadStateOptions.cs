namespace Dapr.Actors.Runtime;

/// <summary>How a state leaves the cache of its actor.</summary>
public class UnloadStateOptions
{
    /// <summary>Whether a state may leave that has changed and is not saved; the change is lost. Default no.</summary>
    public bool AllowUnloadingWhenStateModified { get; set; }
}
