namespace Sidecar.Abstractions;

/// <summary>
/// A running instance of one component YAML for one app instance. Two app instances never share an object, so that
/// templates such as <c>{uuid}</c> differ between them; what must be shared (a file, a connection pool) is shared
/// behind the adapter.
/// </summary>
public interface IComponent : IAsyncDisposable
{
    /// <summary>
    /// Connects and checks metadata. Called once, before any other member. Throws <see cref="ComponentException"/> with a
    /// sentence that says what to change when the metadata is wrong, and likewise with one that says what it waited for when it is
    /// cancelled, which happens after <c>initTimeout</c>.
    /// </summary>
    Task InitAsync(CancellationToken cancellationToken);
}

/// <summary>
/// A component with data of its own to read before it can be initialised. Unlike <see cref="IComponent.InitAsync"/>, whose
/// <c>initTimeout</c> is for servers that do not answer, it takes as long as the data takes.
/// </summary>
public interface IOpenedComponent : IComponent
{
    /// <summary>Reads the data. Called once, before <see cref="IComponent.InitAsync"/>.</summary>
    Task OpenAsync(CancellationToken cancellationToken);
}

/// <summary>
/// How a component says that it cannot go on and only a new process can, e.g. after a failed write to its file: the sidecar then
/// ends with code 1, and whoever supervises it starts it again. One per process, in the services of <see cref="ComponentContext"/>.
/// </summary>
public sealed class SidecarFault
{
    private readonly TaskCompletionSource<Exception> _reported = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the first fault.</summary>
    public Task<Exception> Reported => _reported.Task;

    /// <summary>Reports a fault; only the first one counts.</summary>
    public void Report(Exception exception) => _reported.TrySetResult(exception);
}

/// <summary>What an adapter is made from: the resolved YAML and the services of the process.</summary>
/// <param name="Name">Component name (<c>metadata.name</c>).</param>
/// <param name="Type">Component type, lower case, e.g. <c>state.redis</c>.</param>
/// <param name="Version">Component version, <c>v1</c> when the YAML has none.</param>
/// <param name="Metadata">Values after secret references and templates were resolved; names compare case-insensitively.</param>
/// <param name="AppId">The app that the component instance works for.</param>
/// <param name="InstanceIndex">0-based replica number of the app instance.</param>
/// <param name="DataDirectory">Absolute path of the run's data directory (<c>.data</c>); adapters that keep files keep them below it.</param>
/// <param name="BaseDirectory">Absolute path that relative paths in metadata are relative to: the folder of dapr.yaml.</param>
/// <param name="Services">Process-wide services: <see cref="TimeProvider"/>, <c>ILoggerFactory</c>, <see cref="SidecarFault"/>.</param>
public sealed record ComponentContext(
    string Name,
    string Type,
    string Version,
    ComponentMetadata Metadata,
    string AppId,
    int InstanceIndex,
    string DataDirectory,
    string BaseDirectory,
    IServiceProvider Services);

/// <summary>A component's type name → factory. An adapter project has one public extension method that adds its types here.</summary>
public sealed class ComponentRegistry
{
    private readonly Dictionary<string, Func<ComponentContext, IComponent>> _factories = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a type, e.g. <c>pubsub.redis</c>. A second registration of the same type is an error of the program.</summary>
    public ComponentRegistry Add(string type, Func<ComponentContext, IComponent> factory)
    {
        _factories.Add(type, factory);
        return this;
    }

    /// <summary>All registered types, sorted, for the message that an unknown type gets.</summary>
    public IReadOnlyList<string> Types => [.. _factories.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The factory of a type, or null when this build has no such adapter.</summary>
    public Func<ComponentContext, IComponent>? Find(string type) => _factories.GetValueOrDefault(type);
}

/// <summary>A component that cannot start or was configured wrongly. The message is shown to the operator as it is.</summary>
public sealed class ComponentException : Exception
{
    /// <summary>Creates the exception with the sentence to show.</summary>
    public ComponentException(string message) : base(message) { }

    /// <summary>Creates the exception with the sentence to show and its cause.</summary>
    public ComponentException(string message, Exception innerException) : base(message, innerException) { }
}
