using Google.Protobuf.WellKnownTypes;
using Sidecar.Runtime;
using Sidecar.Runtime.Invocation;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using ActorRuntime = Sidecar.Actors.ActorRuntime;

namespace Sidecar.Api.Grpc;

/// <summary>The gRPC service <c>dapr.proto.runtime.v1.Dapr</c> (grpc §2) for every app of the run, on the same services as the HTTP API.</summary>
internal static class DaprService
{
    public const string Name = "dapr.proto.runtime.v1.Dapr";

    private static readonly (string What, string[] Methods)[] Missing =
    [
        ("state query", ["QueryStateAlpha1"]),
        ("streaming subscriptions", ["SubscribeTopicEventsAlpha1"]),
        ("actors that are served over a stream", ["SubscribeActorEventsAlpha1"]),
        ("cryptography",
        [
            "EncryptAlpha1", "DecryptAlpha1", "SubtleGetKeyAlpha1", "SubtleEncryptAlpha1", "SubtleDecryptAlpha1", "SubtleWrapKeyAlpha1",
            "SubtleUnwrapKeyAlpha1", "SubtleSignAlpha1", "SubtleVerifyAlpha1",
        ]),
        ("jobs",
        [
            "ScheduleJobAlpha1", "ScheduleJob", "GetJobAlpha1", "GetJob", "DeleteJobAlpha1", "DeleteJob", "DeleteJobsByPrefixAlpha1",
            "DeleteJobsByPrefix", "ListJobsAlpha1", "ListJobs",
        ]),
        ("conversation", ["ConverseAlpha1", "ConverseAlpha2"]),
    ];

    public static GrpcService Create(
        InvocationService invocation, WorkflowApi workflows, Func<AppInstance, ActorRuntime> actors, Action<AppInstance> shutdown)
    {
        var service = new GrpcService(Name);
        var api = new GrpcApi(service);
        api.MapState();
        api.MapPublish();
        api.MapInvoke(invocation);
        api.MapBindings();
        api.MapSecrets();
        api.MapConfiguration();
        api.MapLocks();
        api.MapActors(actors);
        api.MapMetadata(actors, workflows);
        api.MapWorkflows(workflows);
        api.Unary("shutdown.v1", "Shutdown", ShutdownRequest.Parser, (_, context) =>
        {
            // After the answer: the ports close.
            context.HttpContext.Response.OnCompleted(() =>
            {
                shutdown(context.App());
                return Task.CompletedTask;
            });
            return Task.FromResult(new Empty());
        });
        foreach (var (what, methods) in Missing)
        {
            foreach (var method in methods)
            {
                service.Unimplemented(method, $"{what}: not implemented by the embedded sidecar");
            }
        }

        return service;
    }
}
