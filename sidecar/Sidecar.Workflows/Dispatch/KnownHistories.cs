using Tandem.Protocol.Workflows;

namespace Sidecar.Workflows.Dispatch;

/// <summary>
/// What the worker of one stream keeps of histories (grpc §5.8, capability STATEFUL_HISTORY): the past events of the last turn
/// that it got. What is forgotten here is sent in full again; what the worker has forgotten it reads with GetInstanceHistory.
/// </summary>
internal sealed class KnownHistories
{
    private const int MaxInstances = 1000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string? ExecutionId, int Events)> _known = new(StringComparer.Ordinal);

    /// <summary>Takes the past events that the worker has out of a request that is about to be sent.</summary>
    public void Trim(WorkflowRequest request)
    {
        var known = 0;
        lock (_lock)
        {
            // A new execution of the same id begins a new history, which may be as long as the old one.
            if (_known.TryGetValue(request.InstanceId, out var last) && last.ExecutionId == request.ExecutionId && last.Events <= request.PastEvents.Count)
            {
                known = last.Events;
            }
            else if (_known.Count >= MaxInstances)
            {
                _known.Clear();
            }

            _known[request.InstanceId] = (request.ExecutionId, request.PastEvents.Count);
        }

        if (known > 0)
        {
            var rest = request.PastEvents.Skip(known).ToList();
            request.PastEvents.Clear();
            request.PastEvents.AddRange(rest);
            request.CachedHistory = new CachedHistory { EventCount = known };
        }
    }
}
