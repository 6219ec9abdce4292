namespace Launcher.Templates;

/// <summary>The fields of a run template (dapr/config §6), and <c>dependsOn</c>, which the dapr CLI skips.</summary>
internal static class TemplateFields
{
    public static readonly HashSet<string> Roots = ["version", "name", "common", "apps"];

    /// <summary>Fields of common and of an app.</summary>
    public static readonly HashSet<string> Shared =
    [
        "env", "resourcesPaths", "resourcesPath", "configFilePath", "appProtocol", "apiListenAddresses", "enableProfiling", "logLevel",
        "appMaxConcurrency", "placementHostAddress", "schedulerHostAddress", "appSSL", "maxBodySize", "readBufferSize",
        "enableAppHealthCheck", "appHealthCheckPath", "appHealthProbeInterval", "appHealthProbeTimeout", "appHealthThreshold",
        "enableApiLogging", "runtimePath", "daprdLogDestination", "appLogDestination",
    ];

    public static readonly HashSet<string> PerApp =
    [
        .. Shared, "appDirPath", "appID", "command", "appPort", "daprHTTPPort", "daprGRPCPort", "daprInternalGRPCPort", "profilePort",
        "metricsPort", "appChannelAddress", "unixDomainSocket", "containerImage", "containerImagePullPolicy", "createService", "dependsOn",
    ];

    /// <summary>Accepted, since the file is also for the dapr CLI, but about what one process on one machine does not have.</summary>
    public static readonly IReadOnlyDictionary<string, string> WithoutEffect = new Dictionary<string, string>
    {
        ["placementHostAddress"] = "actors need no placement service",
        ["schedulerHostAddress"] = "reminders need no scheduler service",
        ["daprInternalGRPCPort"] = "sidecars do not call each other",
        ["enableProfiling"] = "use dotnet-trace",
        ["profilePort"] = "use dotnet-trace",
        ["runtimePath"] = "the sidecar is part of this repository",
        ["containerImage"] = "for Kubernetes",
        ["containerImagePullPolicy"] = "for Kubernetes",
        ["createService"] = "for Kubernetes",
    };
}
