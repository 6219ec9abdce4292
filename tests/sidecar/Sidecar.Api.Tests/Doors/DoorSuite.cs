using TestKit;

namespace Sidecar.Api.Tests.Doors;

/// <summary>
/// Tests of what the two doors share: an abstract suite, and an empty subclass per door. What belongs to one door alone (bodies that are no
/// JSON, frames that are no gRPC) is tested elsewhere.
/// </summary>
public abstract class DoorSuite(Func<TestRun, int, Door> open) : IAsyncLifetime
{
    protected ManualTimeProvider Clock { get; } = new();

    protected TestRun Run { get; private set; } = null!;

    /// <summary>The door of the first instance.</summary>
    protected Door Door { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Run = await CreateAsync();
        await Run.StartAsync(Clock);
        Door = open(Run, 0);
    }

    public virtual async ValueTask DisposeAsync()
    {
        Door.Dispose();
        await Run.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Components and apps; the suite starts it.</summary>
    protected abstract Task<TestRun> CreateAsync();

    protected Door Open(int instance, TestRun? run = null) => open(run ?? Run, instance);
}
