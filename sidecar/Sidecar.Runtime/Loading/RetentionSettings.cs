using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary><c>spec.workflow.stateRetentionPolicy</c> of a Configuration (protocol: config §4): how long ended workflows are kept.</summary>
public sealed record RetentionSettings(TimeSpan? AnyTerminal, TimeSpan? Completed, TimeSpan? Failed, TimeSpan? Terminated)
{
    /// <summary>Null without a policy.</summary>
    internal static RetentionSettings? Read(YamlMap policy, string file)
    {
        return policy.Values.Count == 0 ? null : new RetentionSettings(Time("anyTerminal"), Time("completed"), Time("failed"), Time("terminated"));

        TimeSpan? Time(string name) => policy.Text(name) is not { Length: > 0 } text ? null
            : GoDuration.TryParse(text, out var value) ? value
            : throw new ComponentException($"{file}: spec.workflow.stateRetentionPolicy.{name} '{text}' is not a duration");
    }
}
