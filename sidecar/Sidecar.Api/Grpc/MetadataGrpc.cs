using Google.Protobuf.WellKnownTypes;
using Sidecar.Abstractions;
using Sidecar.Runtime;
using Sidecar.Runtime.Loading;
using Tandem.Protocol.Runtime;
using ActorRuntime = Sidecar.Actors.ActorRuntime;
using ActorStatus = Tandem.Protocol.Runtime.ActorRuntime.Types.ActorRuntimeStatus;

namespace Sidecar.Api.Grpc;

/// <summary>Metadata over gRPC (grpc §2.1): what SDKs without an HTTP client ask to know whether the sidecar is there.</summary>
internal static class MetadataGrpc
{
    private const string Rule = "metadata.v1";

    public static void MapMetadata(this GrpcApi api, Func<AppInstance, ActorRuntime> actors, WorkflowApi workflows)
    {
        api.Unary(Rule, "GetMetadata", GetMetadataRequest.Parser, (_, context) =>
            Task.FromResult(Get(context.App(), actors(context.App()), workflows.ConnectedWorkers(context.App()))));
        api.Unary(Rule, "SetMetadata", SetMetadataRequest.Parser, (request, context) =>
        {
            context.App().ExtendedMetadata[request.Key] = request.Value;
            return Task.FromResult(new Empty());
        });
    }

    private static GetMetadataResponse Get(AppInstance app, ActorRuntime actors, int workers)
    {
        var active = (actors.Active ?? []).Select(type => new ActiveActorsCount { Type = type.Type, Count = type.Count }).ToArray();
        var response = new GetMetadataResponse
        {
            Id = app.Instance.AppId,
            RuntimeVersion = Capabilities.RuntimeVersion,
            RegisteredComponents = { app.Components.All.Select(entry => ToMessage(entry.Manifest, entry.Component)) },
            ExtendedMetadata = { ["daprRuntimeVersion"] = Capabilities.RuntimeVersion, ["engine"] = "embedded" },
            Subscriptions = { app.Subscriptions.Select(ToMessage) },
            EnabledFeatures = { app.Configuration.EnabledFeatures },
            ActiveActorsCount = { active },
            ActorRuntime = new Tandem.Protocol.Runtime.ActorRuntime
            {
                RuntimeStatus = app.Instance.AppPort is null ? ActorStatus.Disabled : actors.Active is null ? ActorStatus.Initializing : ActorStatus.Running,
                ActiveActors = { active },
                HostReady = active.Length > 0,
                Placement = "placement: connected",
            },
            Workflows = new MetadataWorkflows { ConnectedWorkers = workers },
            Resiliencies = { app.Resiliency.Names.Select(name => new MetadataResiliency { Name = name }) },
        };
        response.ExtendedMetadata.Add((IEnumerable<KeyValuePair<string, string>>)app.ExtendedMetadata);
        if (app.Instance.AppPort is { } port)
        {
            response.AppConnectionProperties = new AppConnectionProperties
            {
                Port = port, Protocol = "http", ChannelAddress = "127.0.0.1", MaxConcurrency = Math.Max(0, app.Instance.AppMaxConcurrency),
                Health = app.Instance.AppHealth is not { } health ? null : new AppConnectionHealthProperties
                {
                    HealthCheckPath = health.Path, HealthProbeInterval = $"{health.IntervalSeconds}s", HealthProbeTimeout = $"{health.TimeoutMilliseconds}ms",
                    HealthThreshold = health.Threshold,
                },
            };
        }

        return response;
    }

    private static RegisteredComponents ToMessage(ComponentManifest manifest, IComponent component) => new()
    {
        Name = manifest.Name, Type = manifest.Type, Version = manifest.Version, Capabilities = { Api.Capabilities.Of(component) },
    };

    private static PubsubSubscription ToMessage(SubscriptionManifest subscription) => new()
    {
        PubsubName = subscription.PubSubName,
        Topic = subscription.Topic,
        Rules = new PubsubSubscriptionRules
        {
            Rules = { subscription.Rules.Select(rule => new PubsubSubscriptionRule { Match = rule.Match ?? "", Path = rule.Path }) },
        },
        Metadata = { subscription.Metadata.ToDictionary() },
        DeadLetterTopic = subscription.DeadLetterTopic ?? "",
        Type = subscription.IsDeclarative ? PubsubSubscriptionType.Declarative : PubsubSubscriptionType.Programmatic,
    };
}
