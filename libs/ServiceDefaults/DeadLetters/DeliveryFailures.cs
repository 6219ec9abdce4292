using Microsoft.AspNetCore.Http;

namespace ServiceDefaults;

/// <summary>
/// Why handlers of this process failed last, by topic and CloudEvent id: on real Dapr a dead letter carries no reason. Bounded; what is
/// forgotten, or happened in another replica, costs the reason of such a dead letter and nothing else.
/// </summary>
public sealed class DeliveryFailures
{
    private const int Kept = 1000;
    private const int MaxLength = 500;

    private readonly Dictionary<(string Topic, string Id), string> _reasons = [];
    private readonly Queue<(string Topic, string Id)> _order = [];
    private readonly Lock _gate = new();

    /// <summary>The reason, or null.</summary>
    public string? Find(string topic, string id)
    {
        lock (_gate)
        {
            return _reasons.GetValueOrDefault((topic, id));
        }
    }

    /// <summary>Returns the reason.</summary>
    internal string Add(string topic, string id, Exception exception)
    {
        var reason = $"{exception.GetType().Name}: {exception.Message}";
        reason = reason.Length > MaxLength ? reason[..MaxLength] : reason;
        lock (_gate)
        {
            if (_reasons.TryAdd((topic, id), ""))
            {
                _order.Enqueue((topic, id));
            }

            _reasons[(topic, id)] = reason;
            if (_order.Count > Kept)
            {
                _reasons.Remove(_order.Dequeue());
            }
        }

        return reason;
    }
}

/// <summary>Notes why the handler of a topic failed.</summary>
internal sealed class DeliveryFailureFilter(string topic, DeliveryFailures failures) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception exception) when (DeadLetterExtensions.EventId(context.HttpContext.Request) is { } id)
        {
            context.HttpContext.Items[typeof(DeliveryFailures)] = failures.Add(topic, id, exception);
            throw;
        }
    }
}
