namespace Sidecar.Abstractions;

/// <summary>What the component files of a run hold, written as JSON by <c>Sidecar.Host --check FILE</c>, where FILE is a <see cref="SidecarRun"/>.</summary>
/// <param name="Components">In the order of the files.</param>
/// <param name="Problems">Why apps could not start, a sentence each.</param>
public sealed record ComponentReport(IReadOnlyList<ReportedComponent> Components, IReadOnlyList<string> Problems);

/// <summary>One component.</summary>
/// <param name="Name">Component name.</param>
/// <param name="Type">Component type.</param>
/// <param name="Version">Component version.</param>
/// <param name="File">Its file.</param>
/// <param name="Apps">Ids of the apps of the run that see it.</param>
public sealed record ReportedComponent(string Name, string Type, string Version, string File, IReadOnlyList<string> Apps);
