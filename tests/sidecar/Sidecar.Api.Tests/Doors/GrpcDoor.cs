using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using Status = Tandem.Protocol.Runtime.Status;

namespace Sidecar.Api.Tests.Doors;

/// <summary>The gRPC API.</summary>
public sealed class GrpcDoor(GrpcChannel channel) : Door
{
    private const string Service = "/dapr.proto.runtime.v1.Dapr/";

    public static Door Open(TestRun run, int instance = 0) => new GrpcDoor(Channel(run, instance));

    public static GrpcChannel Channel(TestRun run, int instance = 0, string? token = null) => new(
        new Uri($"http://127.0.0.1:{run.Sidecar.Instances[instance].GrpcPort}"), new GrpcChannelOptions { Token = token, MaxReceiveMessageBytes = null });

    public override bool IsGrpc => true;

    public override Task SaveAsync(string store, params Item[] items) =>
        CallAsync("SaveState", new SaveStateRequest { StoreName = store, States = { items.Select(ToMessage) } }, Empty.Parser);

    public override async Task<Stored?> GetAsync(string store, string key)
    {
        var response = await CallAsync("GetState", new GetStateRequest { StoreName = store, Key = key }, GetStateResponse.Parser);
        return response.Etag.Length == 0 ? null : new Stored(response.Data.ToStringUtf8(), response.Etag, response.Metadata.GetValueOrDefault("ttlExpireTime"));
    }

    public override async Task<(string Key, Stored? Value)[]> GetManyAsync(string store, params string[] keys)
    {
        var response = await CallAsync("GetBulkState", new GetBulkStateRequest { StoreName = store, Keys = { keys } }, GetBulkStateResponse.Parser);
        return [.. response.Items.Select(item => (
            item.Key, item.Etag.Length == 0 ? null : new Stored(item.Data.ToStringUtf8(), item.Etag, item.Metadata.GetValueOrDefault("ttlExpireTime"))))];
    }

    public override Task DeleteAsync(string store, string key, string? etag = null) => CallAsync(
        "DeleteState", new DeleteStateRequest { StoreName = store, Key = key, Etag = etag is null ? null : new Etag { Value = etag } }, Empty.Parser);

    public override Task TransactAsync(string store, params (string Operation, Item Item)[] operations) => CallAsync(
        "ExecuteStateTransaction",
        new ExecuteStateTransactionRequest
        {
            StoreName = store,
            Operations = { operations.Select(step => new TransactionalStateOperation { OperationType = step.Operation, Request = ToMessage(step.Item) }) },
        },
        Empty.Parser);

    public override Task PublishAsync(
        string pubSub, string topic, byte[] data, string? contentType = null, (string Name, string Value)[]? metadata = null, string? traceParent = null) =>
        CallAsync(
            "PublishEvent",
            new PublishEventRequest
            {
                PubsubName = pubSub, Topic = topic, Data = ByteString.CopyFrom(data), DataContentType = contentType ?? "", Metadata = { Map(metadata) },
            },
            Empty.Parser, Trace(traceParent));

    public override async Task<string[]> PublishManyAsync(string pubSub, string topic, params Entry[] entries)
    {
        var request = new BulkPublishRequest
        {
            PubsubName = pubSub,
            Topic = topic,
            Entries =
            {
                entries.Select(entry => new BulkPublishRequestEntry
                {
                    EntryId = entry.Id, Event = ByteString.CopyFromUtf8(entry.Event), ContentType = entry.ContentType, Metadata = { Map(entry.Metadata) },
                }),
            },
        };
        return [.. (await CallAsync("BulkPublishEvent", request, BulkPublishResponse.Parser)).FailedEntries.Select(entry => entry.EntryId)];
    }

    public override async Task<Answer> InvokeBindingAsync(
        string name, string operation, string? jsonData = null, (string Name, string Value)[]? metadata = null, string? traceParent = null)
    {
        var request = new InvokeBindingRequest { Name = name, Operation = operation, Data = ByteString.CopyFromUtf8(jsonData ?? ""), Metadata = { Map(metadata) } };
        var response = await CallAsync("InvokeBinding", request, InvokeBindingResponse.Parser, Trace(traceParent));
        return new Answer(response.Data.ToStringUtf8(), new(response.Metadata));
    }

    public override async Task<Dictionary<string, string>> GetSecretAsync(string store, string key) =>
        new((await CallAsync("GetSecret", new GetSecretRequest { StoreName = store, Key = key }, GetSecretResponse.Parser)).Data);

    public override async Task<Dictionary<string, Dictionary<string, string>>> GetSecretsAsync(string store) =>
        (await CallAsync("GetBulkSecret", new GetBulkSecretRequest { StoreName = store }, GetBulkSecretResponse.Parser)).Data
        .ToDictionary(secret => secret.Key, secret => new Dictionary<string, string>(secret.Value.Secrets));

    public override async Task<Dictionary<string, (string Value, string Version)>> GetConfigurationAsync(string store, params string[] keys) =>
        (await CallAsync("GetConfiguration", new GetConfigurationRequest { StoreName = store, Keys = { keys } }, GetConfigurationResponse.Parser)).Items
        .ToDictionary(item => item.Key, item => (item.Value.Value, item.Value.Version));

    public override async Task<bool> LockAsync(string store, string resource, string owner, int seconds) => (await CallAsync(
        "TryLockAlpha1", new TryLockRequest { StoreName = store, ResourceId = resource, LockOwner = owner, ExpiryInSeconds = seconds }, TryLockResponse.Parser)).Success;

    public override async Task<int> UnlockAsync(string store, string resource, string owner) => (int)(await CallAsync(
        "UnlockAlpha1", new UnlockRequest { StoreName = store, ResourceId = resource, LockOwner = owner }, UnlockResponse.Parser)).Status;

    public override async Task<AppAnswer> InvokeAsync(
        string app, HttpMethod verb, string path, string query = "", string? body = null, string? contentType = null, params (string Name, string Value)[] headers)
    {
        var request = new InvokeServiceRequest
        {
            Id = app,
            Message = new InvokeRequest
            {
                Method = path,
                Data = body is null ? null : new Any { Value = ByteString.CopyFromUtf8(body) },
                ContentType = contentType ?? "",
                HttpExtension = new HTTPExtension { Verb = System.Enum.Parse<HTTPExtension.Types.Verb>(verb.Method, ignoreCase: true), Querystring = query },
            },
        };
        GrpcMetadata sent = GrpcMetadata.Empty;
        var options = new GrpcCallOptions
        {
            Headers = [.. headers.Select(header => KeyValuePair.Create(header.Name, header.Value))], OnResponseStarted = metadata => sent = metadata,
        };
        try
        {
            var response = await channel.UnaryAsync($"{Service}InvokeService", request, InvokeResponse.Parser, options);
            return new AppAnswer(
                int.Parse(sent["dapr-http-status"]!, CultureInfo.InvariantCulture), response.Data.Value.ToStringUtf8(), response.ContentType, Headers(sent));
        }
        catch (GrpcException exception) when (Info(exception)?.Metadata.GetValueOrDefault("http.code") is { } code)
        {
            return new AppAnswer(
                int.Parse(code, CultureInfo.InvariantCulture), Info(exception)!.Metadata["http.error_message"], exception.Trailers["dapr-content-type"] ?? "",
                Headers(exception.Trailers));
        }
        catch (GrpcException exception)
        {
            throw ToException(exception);
        }
    }

    public override Task SetMetadataAsync(string key, string value) =>
        CallAsync("SetMetadata", new SetMetadataRequest { Key = key, Value = value }, Empty.Parser);

    public override async Task<Metadata> GetMetadataAsync()
    {
        var response = await CallAsync("GetMetadata", new GetMetadataRequest(), GetMetadataResponse.Parser);
        return new Metadata(
            response.Id, response.AppConnectionProperties?.Port, new(response.ExtendedMetadata),
            [.. response.RegisteredComponents.Select(component => (component.Name, component.Type, component.Capabilities.ToArray()))]);
    }

    public override async Task<string> InvokeActorAsync(string type, string id, string method, string body = "", params (string Name, string Value)[] headers)
    {
        var request = new InvokeActorRequest { ActorType = type, ActorId = id, Method = method, Data = ByteString.CopyFromUtf8(body), Metadata = { Map(headers) } };
        return (await CallAsync("InvokeActor", request, InvokeActorResponse.Parser)).Data.ToStringUtf8();
    }

    public override async Task<(string Value, string? ExpiresAt)?> GetActorStateAsync(string type, string id, string key)
    {
        var response = await CallAsync("GetActorState", new GetActorStateRequest { ActorType = type, ActorId = id, Key = key }, GetActorStateResponse.Parser);
        return response.Data.IsEmpty ? null : (response.Data.ToStringUtf8(), response.Metadata.GetValueOrDefault("ttlExpireTime"));
    }

    public override Task TransactActorStateAsync(string type, string id, params (string Operation, Item Item)[] operations) => CallAsync(
        "ExecuteActorStateTransaction",
        new ExecuteActorStateTransactionRequest
        {
            ActorType = type,
            ActorId = id,
            Operations =
            {
                operations.Select(step => new TransactionalActorStateOperation
                {
                    OperationType = step.Operation,
                    Key = step.Item.Key,
                    Value = new Any { Value = ByteString.CopyFromUtf8(step.Item.Value ?? "") },
                    Metadata = { ToMessage(step.Item).Metadata },
                }),
            },
        },
        Empty.Parser);

    public override Task RemindAsync(string type, string id, string name, string dueTime, string period, string data, bool overwrite = true) => CallAsync(
        "RegisterActorReminder",
        new RegisterActorReminderRequest
        {
            ActorType = type, ActorId = id, Name = name, DueTime = dueTime, Period = period, Data = ByteString.CopyFromUtf8(data), Overwrite = overwrite,
        },
        Empty.Parser);

    public override async Task<(string DueTime, string Period, string Data)> GetReminderAsync(string type, string id, string name)
    {
        var request = new GetActorReminderRequest { ActorType = type, ActorId = id, Name = name };
        var reminder = await CallAsync("GetActorReminder", request, GetActorReminderResponse.Parser);
        return (reminder.DueTime, reminder.Period, reminder.Data.Value.ToStringUtf8());
    }

    public override Task ForgetAsync(string type, string id, string name) =>
        CallAsync("UnregisterActorReminder", new UnregisterActorReminderRequest { ActorType = type, ActorId = id, Name = name }, Empty.Parser);

    public override Task StartTimerAsync(string type, string id, string name, string dueTime, string callback) => CallAsync(
        "RegisterActorTimer",
        new RegisterActorTimerRequest { ActorType = type, ActorId = id, Name = name, DueTime = dueTime, Callback = callback }, Empty.Parser);

    public override Task StopTimerAsync(string type, string id, string name) =>
        CallAsync("UnregisterActorTimer", new UnregisterActorTimerRequest { ActorType = type, ActorId = id, Name = name }, Empty.Parser);

    public override void Dispose() => channel.Dispose();

    /// <summary>The ErrorInfo of a failed call, if any.</summary>
    public static ErrorInfo? Info(GrpcException exception) => exception.Trailers.GetBytes("grpc-status-details-bin") is { } bytes
        ? Status.Parser.ParseFrom(bytes).Details.First(detail => detail.Is(ErrorInfo.Descriptor)).Unpack<ErrorInfo>()
        : null;

    private static ApiException ToException(GrpcException exception) =>
        new(Info(exception)?.Reason ?? "", (int)exception.StatusCode, exception.Detail);

    private static StateItem ToMessage(Item item)
    {
        var message = new StateItem { Key = item.Key, Value = ByteString.CopyFromUtf8(item.Value ?? "") };
        if (item.ETag is not null)
        {
            message.Etag = new Etag { Value = item.ETag };
        }

        if (item.Concurrency is not null)
        {
            message.Options = new StateOptions
            {
                Concurrency = item.Concurrency == "first-write"
                    ? StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite
                    : StateOptions.Types.StateConcurrency.ConcurrencyLastWrite,
            };
        }

        message.Metadata.Add(Map(item.Metadata));
        if (item.TtlInSeconds is not null)
        {
            message.Metadata["ttlInSeconds"] = item.TtlInSeconds;
        }

        return message;
    }

    private static MapField<string, string> Map((string Name, string Value)[]? entries)
    {
        var map = new MapField<string, string>();
        foreach (var (name, value) in entries ?? [])
        {
            map[name] = value;
        }

        return map;
    }

    private static Dictionary<string, string> Headers(GrpcMetadata metadata) =>
        metadata.ToDictionary(header => header.Key.StartsWith("dapr-", StringComparison.Ordinal) ? header.Key["dapr-".Length..] : header.Key, header => header.Value);

    private static KeyValuePair<string, string>[] Trace(string? traceParent) =>
        traceParent is null ? [] : [KeyValuePair.Create("traceparent", traceParent)];

    private async Task<TResponse> CallAsync<TRequest, TResponse>(
        string method, TRequest request, MessageParser<TResponse> parser, KeyValuePair<string, string>[]? headers = null)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        try
        {
            return await channel.UnaryAsync(Service + method, request, parser, new GrpcCallOptions { Headers = headers });
        }
        catch (GrpcException exception)
        {
            throw ToException(exception);
        }
    }
}
