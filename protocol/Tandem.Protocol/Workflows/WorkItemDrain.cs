namespace Tandem.Protocol.Workflows;

/// <summary>
/// How a worker that stops tells the engine, an addition to <c>TaskHubSidecarService</c>: it names its stream of work
/// items in a header, and calls <see cref="Method"/> with that name as a <c>StringValue</c>. The engine then gives the
/// stream no further work and ends it when what it has handed out there is answered. Other engines answer UNIMPLEMENTED.
/// </summary>
public static class WorkItemDrain
{
    /// <summary>Metadata of <c>GetWorkItems</c>; other engines ignore it.</summary>
    public const string StreamIdHeader = "tandem-stream-id";

    public const string Method = "DrainWorkItems";
}
