using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sidecar.Actors;
using Sidecar.Runtime;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using ActorRuntime = Sidecar.Actors.ActorRuntime;

namespace Sidecar.Api.Grpc;

/// <summary>Actors over gRPC (grpc §2.1): calls, state, timers and reminders. The apps that host them are called over HTTP.</summary>
internal static class ActorGrpc
{
    private const string Rule = "actors.v1";

    /// <summary>What SDKs send; a host that reads bodies by their type could make nothing of one without.</summary>
    private static readonly KeyValuePair<string, string> Json = new("content-type", "application/json");

    private static readonly string[] TraceHeaders = ["traceparent", "tracestate", "baggage"];

    public static void MapActors(this GrpcApi api, Func<AppInstance, ActorRuntime> runtimes)
    {
        api.Unary(Rule, "InvokeActor", InvokeActorRequest.Parser, (request, context) => InvokeAsync(runtimes(context.App()), request, context));
        api.Unary(Rule, "GetActorState", GetActorStateRequest.Parser, (request, context) => GetStateAsync(runtimes(context.App()), request, context));
        api.Unary(Rule, "ExecuteActorStateTransaction", ExecuteActorStateTransactionRequest.Parser, (request, context) =>
            TransactAsync(runtimes(context.App()), request, context));
        api.Unary(Rule, "RegisterActorTimer", RegisterActorTimerRequest.Parser, (request, context) => RegisterTimer(runtimes(context.App()), request));
        api.Unary(Rule, "UnregisterActorTimer", UnregisterActorTimerRequest.Parser, (request, context) =>
        {
            runtimes(context.App()).UnregisterTimer(request.ActorType, request.ActorId, request.Name);
            return Task.FromResult(new Empty());
        });
        api.Unary(Rule, "RegisterActorReminder", RegisterActorReminderRequest.Parser, async (request, context) =>
        {
            await runtimes(context.App()).RegisterReminderAsync(request.ActorType, request.ActorId, request.Name, ToRequest(request), context.CancellationToken);
            return new Empty();
        });
        api.Unary(Rule, "UnregisterActorReminder", UnregisterActorReminderRequest.Parser, async (request, context) =>
        {
            await runtimes(context.App()).UnregisterReminderAsync(request.ActorType, request.ActorId, request.Name, context.CancellationToken);
            return new Empty();
        });
        api.Unary(Rule, "UnregisterActorRemindersByType", UnregisterActorRemindersByTypeRequest.Parser, async (request, context) =>
        {
            await runtimes(context.App()).UnregisterRemindersAsync(
                request.ActorType, request.HasActorId ? request.ActorId : null, context.CancellationToken);
            return new UnregisterActorRemindersByTypeResponse();
        });
        api.Unary(Rule, "GetActorReminder", GetActorReminderRequest.Parser, (request, context) =>
            Task.FromResult(ToResponse(runtimes(context.App()).GetReminder(request.ActorType, request.ActorId, request.Name))));
        api.Unary(Rule, "ListActorReminders", ListActorRemindersRequest.Parser, (request, context) => Task.FromResult(new ListActorRemindersResponse
        {
            Reminders =
            {
                runtimes(context.App()).ListReminders(request.ActorType, request.HasActorId ? request.ActorId : null).Select(ToNamed),
            },
        }));
    }

    /// <summary>The metadata of the request are headers for the actor; its answer is bytes alone, so an error of its own is a status.</summary>
    private static async Task<InvokeActorResponse> InvokeAsync(ActorRuntime actors, InvokeActorRequest request, GrpcCallContext context)
    {
        var trace = TraceHeaders.Where(name => context.RequestHeaders[name].Count > 0 && !request.Metadata.ContainsKey(name))
            .Select(name => KeyValuePair.Create(name, context.RequestHeaders[name].ToString()));
        var call = new ActorCall(request.ActorType, request.ActorId, request.Method, request.Data.Memory) 
        {
            Headers = [.. request.Metadata, .. trace, .. request.Data.IsEmpty || request.Metadata.Keys.Contains(Json.Key, StringComparer.OrdinalIgnoreCase) ? [] : (KeyValuePair<string, string>[])[Json]],
        };
        var answer = await actors.InvokeAsync(call, context.CancellationToken);
        return answer.IsActorError
            ? throw ActorErrors.Invoke("the actor's method failed")
            : new InvokeActorResponse { Data = UnsafeByteOperations.UnsafeWrap(answer.Body) };
    }

    private static async Task<GetActorStateResponse> GetStateAsync(ActorRuntime actors, GetActorStateRequest request, GrpcCallContext context)
    {
        var response = new GetActorStateResponse();
        if (await actors.GetStateAsync(request.ActorType, request.ActorId, request.Key, context.CancellationToken) is { } item)
        {
            response.Data = UnsafeByteOperations.UnsafeWrap(item.Value);
            response.Metadata.Add(StateMetadata.Of(item));
        }

        return response;
    }

    private static async Task<Empty> TransactAsync(ActorRuntime actors, ExecuteActorStateTransactionRequest request, GrpcCallContext context)
    {
        ActorStateOperation[] operations = [.. request.Operations.Select(operation => operation.Key.Length == 0
            ? throw ActorErrors.Malformed("a 'key' is missing")
            : operation.OperationType switch
            {
                "upsert" => new ActorStateOperation(operation.Key, operation.Value?.Value.Memory ?? default, operation.Metadata.ToMetadata()),
                "delete" => new ActorStateOperation(operation.Key, null, operation.Metadata.ToMetadata()),
                var other => throw ActorErrors.UnknownOperation(other),
            })];
        await actors.TransactStateAsync(request.ActorType, request.ActorId, operations, context.CancellationToken);
        return new Empty();
    }

    private static Task<Empty> RegisterTimer(ActorRuntime actors, RegisterActorTimerRequest request)
    {
        actors.RegisterTimer(
            request.ActorType, request.ActorId, request.Name,
            new ActorTimerRequest(request.DueTime, request.Period, request.Ttl, request.Callback, Data(request.Data)));
        return Task.FromResult(new Empty());
    }

    private static ActorReminderRequest ToRequest(RegisterActorReminderRequest request) =>
        new(request.DueTime, request.Period, request.Ttl, Data(request.Data))
        {
            Overwrite = !request.HasOverwrite || request.Overwrite,
            FailurePolicy = request.FailurePolicy?.PolicyCase switch
            {
                JobFailurePolicy.PolicyOneofCase.Drop => ActorFailurePolicy.Drop,
                JobFailurePolicy.PolicyOneofCase.Constant => ToPolicy(request.FailurePolicy.Constant),
                _ => ActorFailurePolicy.Default,
            },
        };

    private static ActorFailurePolicy ToPolicy(JobFailurePolicyConstant policy) => new(
        policy.Interval?.ToTimeSpan() ?? ActorFailurePolicy.Default.Interval,
        policy.HasMaxRetries ? (int)Math.Min(policy.MaxRetries, int.MaxValue) : null);

    private static ReadOnlyMemory<byte>? Data(ByteString data) => data.IsEmpty ? null : data.Memory;

    private static GetActorReminderResponse ToResponse(Sidecar.Actors.ActorReminder reminder)
    {
        var named = ToNamed(reminder).Reminder;
        var response = new GetActorReminderResponse { ActorType = named.ActorType, ActorId = named.ActorId, Data = named.Data };
        if (named.HasDueTime)
        {
            response.DueTime = named.DueTime;
        }

        if (named.HasPeriod)
        {
            response.Period = named.Period;
        }

        if (named.HasTtl)
        {
            response.Ttl = named.Ttl;
        }

        return response;
    }

    private static NamedActorReminder ToNamed(Sidecar.Actors.ActorReminder reminder)
    {
        var message = new Tandem.Protocol.Runtime.ActorReminder { ActorType = reminder.ActorType, ActorId = reminder.ActorId };
        if (reminder.Data is { } data)
        {
            message.Data = new Any { Value = UnsafeByteOperations.UnsafeWrap(data) };
        }

        if (reminder.DueTime.Length > 0)
        {
            message.DueTime = reminder.DueTime;
        }

        if (reminder.Period.Length > 0)
        {
            message.Period = reminder.Period;
        }

        if (reminder.Ttl.Length > 0)
        {
            message.Ttl = reminder.Ttl;
        }

        return new NamedActorReminder { Name = reminder.Name, Reminder = message };
    }
}
