using System.Globalization;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis;

/// <summary>
/// <c>bindings.redis</c> (dapr/config §10): create, get, delete and increment of the key that request metadata <c>key</c> names;
/// <c>ttlInSeconds</c> with create and increment, <c>delete: "true"</c> with get.
/// </summary>
internal sealed class RedisBinding(ComponentContext context) : RedisComponent(context), IOutputBinding
{
    public IReadOnlyList<string> Operations { get; } = ["create", "get", "delete", "increment"];

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var key = request.Metadata["key"] is { Length: > 0 } name ? name : throw new BindingException("required metadata not set: key");
        switch (request.Operation)
        {
            case "get":
                var take = request.Metadata.Bool("delete", false);
                var value = await ExecuteAsync(RedisCommand.Of(take ? "GETDEL" : "GET", key), cancellationToken);
                return new BindingResponse(value.AsBytes(), ComponentMetadata.Empty);
            case "delete":
                await ExecuteAsync(RedisCommand.Of("DEL", key), cancellationToken);
                return BindingResponse.Empty;
            case "create":
                await ExecuteAsync(
                    Ttl(request) is { } ttl ? RedisCommand.Of("SET", key, request.Data, "EX", ttl) : RedisCommand.Of("SET", key, request.Data), cancellationToken);
                return BindingResponse.Empty;
            default:
                await IncrementAsync(key, Ttl(request), cancellationToken);
                return BindingResponse.Empty;
        }
    }

    private async Task IncrementAsync(string key, long? ttl, CancellationToken cancellationToken)
    {
        var increment = RedisCommand.Of("INCR", key);
        if (ttl is null)
        {
            await ExecuteAsync(increment, cancellationToken);
            return;
        }

        var replies = await Client.TransactionAsync([increment, RedisCommand.Of("EXPIRE", key, ttl.Value)], cancellationToken);
        if (replies?[0] is { IsError: true } refused)
        {
            throw Refused(refused.ToException());
        }
    }

    private static long? Ttl(BindingRequest request) => request.Metadata["ttlInSeconds"] is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 ? seconds
        : throw new BindingException($"ttlInSeconds '{text}' is not a positive integer");
}
