using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// The Configuration resource of an app (protocol: config §4) as far as it is honoured: scopes of secrets, lists of APIs, access control,
/// pipelines, tracing. Parts about what this sidecar does not have (mTLS, name resolution, features) are skipped.
/// </summary>
public sealed class AppConfiguration
{
    /// <summary>What an app without a Configuration has.</summary>
    public static readonly AppConfiguration Default = Read(default, "");

    private readonly IReadOnlyList<SecretScope> _secrets;

    private AppConfiguration(IReadOnlyList<SecretScope> secrets) => _secrets = secrets;

    /// <summary>The APIs that the app may use.</summary>
    public required ApiRules Api { get; init; }

    /// <summary>Which apps may invoke what of the app.</summary>
    public required AccessRules Access { get; init; }

    /// <summary>What requests to the sidecar's HTTP API pass first.</summary>
    public required IReadOnlyList<PipelineHandler> HttpPipeline { get; init; }

    /// <summary>What requests of the sidecar to the app pass first.</summary>
    public required IReadOnlyList<PipelineHandler> AppHttpPipeline { get; init; }

    /// <summary>Names of <c>features</c> that are switched on; nothing here depends on them.</summary>
    public required IReadOnlyList<string> EnabledFeatures { get; init; }

    /// <summary>Spans of the sidecar.</summary>
    public required TracingSettings Tracing { get; init; }

    /// <summary>Whether the sidecar counts for its metrics port, if it has one.</summary>
    public required bool Metrics { get; init; }

    /// <summary>How long ended workflows are kept; null says nothing about it.</summary>
    public required RetentionSettings? Retention { get; init; }

    /// <summary><c>spec.workflow.maxConcurrentWorkflowInvocations</c>: workflow turns at one worker at a time; null says nothing about it.</summary>
    public required int? MaxWorkflowTurns { get; init; }

    /// <summary><c>spec.workflow.maxConcurrentActivityInvocations</c>: activities at one worker at a time; null says nothing about it.</summary>
    public required int? MaxActivities { get; init; }

    /// <summary>
    /// Whether the app may read a secret: an allowed list has the last word, then the denied list, then the default (allow). A store
    /// without a scope is open. References of components (<c>secretKeyRef</c>) are not the app's and not asked about.
    /// </summary>
    public bool IsSecretAllowed(string store, string key)
    {
        if (_secrets.FirstOrDefault(scope => scope.Store == store) is not { } scope)
        {
            return true;
        }

        return scope.Allowed.Count > 0 ? scope.Allowed.Contains(key) : !scope.Denied.Contains(key) && scope.AllowedByDefault;
    }

    /// <summary>Reads the file's Configuration. Throws <see cref="ComponentException"/> with a sentence for the operator.</summary>
    internal static AppConfiguration Read(YamlMap document, string file)
    {
        var spec = document.Map("spec");
        var secrets = spec.Map("secrets").Maps("scopes").Select(scope => new SecretScope(
            scope.Text("storeName") ?? throw new ComponentException($"{file}: a scope of secrets has no storeName"),
            scope.Texts("allowedSecrets"), scope.Texts("deniedSecrets"), IsAllow(scope.Text("defaultAccess"), file, "secrets") ?? true));
        return new AppConfiguration([.. secrets])
        {
            Api = new ApiRules(spec.Map("api"), file),
            Access = new AccessRules(spec.Map("accessControl"), file),
            HttpPipeline = Handlers(spec, "httpPipeline", file),
            AppHttpPipeline = Handlers(spec, "appHttpPipeline", file),
            EnabledFeatures = [.. spec.Maps("features").Where(feature => feature.Text("enabled") == "true").Select(feature => feature.Text("name")).OfType<string>()],
            Tracing = TracingSettings.Read(spec.Map("tracing"), file),
            Metrics = spec.Map("metric").Text("enabled") != "false" && spec.Map("metrics").Text("enabled") != "false",
            Retention = RetentionSettings.Read(spec.Map("workflow").Map("stateRetentionPolicy"), file),
            MaxWorkflowTurns = Limit("maxConcurrentWorkflowInvocations"),
            MaxActivities = Limit("maxConcurrentActivityInvocations"),
        };

        int? Limit(string name) => spec.Map("workflow").Text(name) is not { Length: > 0 } text ? null
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value
            : throw new ComponentException($"{file}: spec.workflow.{name} '{text}' is not a number from 1 on");
    }

    private static IReadOnlyList<PipelineHandler> Handlers(YamlMap spec, string part, string file) => [.. spec.Map(part).Maps("handlers").Select(handler =>
        handler.Text("name") is { Length: > 0 } name && handler.Text("type") is { Length: > 0 } type
            ? new PipelineHandler(name, type.ToLowerInvariant())
            : throw new ComponentException($"{file}: a handler of spec.{part} lacks name or type"))];

    /// <summary>Allow or deny, in any case; null when nothing is said.</summary>
    internal static bool? IsAllow(string? text, string file, string part) => text?.ToLowerInvariant() switch
    {
        "allow" => true,
        "deny" => false,
        null or "" => null,
        _ => throw new ComponentException($"{file}: spec.{part} says '{text}', not allow or deny"),
    };
}

/// <summary>Which secrets of a store an app may read.</summary>
internal sealed record SecretScope(string Store, IReadOnlyList<string> Allowed, IReadOnlyList<string> Denied, bool AllowedByDefault);

/// <summary>A middleware component of a pipeline.</summary>
public sealed record PipelineHandler(string Name, string Type);
