using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Contracts.Jobs;
using Microsoft.Extensions.Options;

namespace Sse.Streams;

/// <summary>The open streams of this replica, by job. Hands events on; the log stays the truth.</summary>
internal sealed class StreamHub(TimeProvider time, IOptions<SseOptions> options)
{
    /// <summary>Keep-alives of an interval are spread over this many ticks.</summary>
    public const int Slices = 10;

    private readonly ConcurrentDictionary<Guid, Group> _groups = new();
    private readonly Lock _usersLock = new();
    private readonly Dictionary<string, int> _streamsOfUser = new(StringComparer.Ordinal);
    private int _opened;
    private int _count;
    private volatile bool _stopping;

    /// <summary>Number of open streams.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Number of jobs with an open stream.</summary>
    public int Jobs => _groups.Count;

    /// <summary>Whether the replica is going away and takes no new streams.</summary>
    public bool IsStopping => _stopping;

    /// <summary>Registers a stream before its log is read; false when the user has too many.</summary>
    public bool TryAdd(JobStream stream)
    {
        lock (_usersLock)
        {
            ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_streamsOfUser, stream.UserId, out _);
            if (count >= options.Value.MaxStreamsPerUser)
            {
                return false;
            }

            count++;
        }

        stream.Slice = (int)((uint)Interlocked.Increment(ref _opened) % Slices);
        while (!_groups.GetOrAdd(stream.JobId, static _ => new Group()).TryAdd(stream))
        {
            // The group emptied and is being taken out; the next one is new.
        }

        Interlocked.Increment(ref _count);
        if (_stopping)
        {
            stream.End();
        }

        return true;
    }

    /// <summary>Takes a stream out.</summary>
    public void Remove(JobStream stream)
    {
        if (_groups.TryGetValue(stream.JobId, out var group) && group.Remove(stream))
        {
            _groups.TryRemove(new KeyValuePair<Guid, Group>(stream.JobId, group));
        }

        Interlocked.Decrement(ref _count);
        lock (_usersLock)
        {
            if (--CollectionsMarshal.GetValueRefOrNullRef(_streamsOfUser, stream.UserId) == 0)
            {
                _streamsOfUser.Remove(stream.UserId);
            }
        }
    }

    /// <summary>Hands entries of a log to the streams of its job. Each stream checks itself whether it is their turn.</summary>
    public void Offer(Guid jobId, IReadOnlyList<JobEvent> entries)
    {
        if (entries.Count == 0 || !_groups.TryGetValue(jobId, out var group))
        {
            return;
        }

        var timestamp = time.GetTimestamp();
        var oldest = group.OldestNext();
        for (var i = 0; i < entries.Count; i++)
        {
            if (entries[i].Seq >= oldest)
            {
                group.Offer(EventFrame.Of(entries[i]), timestamp);
            }
        }
    }

    /// <summary>The open streams, all or those of one slice.</summary>
    public List<JobStream> Snapshot(int? slice)
    {
        var streams = new List<JobStream>();
        foreach (var (_, group) in _groups)
        {
            group.CopyTo(streams, slice);
        }

        return streams;
    }

    /// <summary>Ends every stream resumably and takes no more.</summary>
    public void Stop()
    {
        _stopping = true;
        foreach (var stream in Snapshot(slice: null))
        {
            stream.End();
        }
    }

    /// <summary>Streams of one job.</summary>
    private sealed class Group
    {
        private readonly Lock _lock = new();
        private readonly List<JobStream> _streams = [];
        private bool _closed;

        public bool TryAdd(JobStream stream)
        {
            lock (_lock)
            {
                if (_closed)
                {
                    return false;
                }

                stream.Index = _streams.Count;
                _streams.Add(stream);
                return true;
            }
        }

        /// <summary>True when the group is empty now and must be taken out.</summary>
        public bool Remove(JobStream stream)
        {
            lock (_lock)
            {
                if (stream.Index < 0)
                {
                    return false;
                }

                var last = _streams[^1];
                _streams[stream.Index] = last;
                last.Index = stream.Index;
                _streams.RemoveAt(_streams.Count - 1);
                stream.Index = -1;
                _closed = _streams.Count == 0;
                return _closed;
            }
        }

        public void Offer(EventFrame frame, long timestamp)
        {
            lock (_lock)
            {
                foreach (var stream in _streams)
                {
                    if (frame.Seq >= stream.Next)
                    {
                        stream.Offer(frame, timestamp);
                    }
                }
            }
        }

        public long OldestNext()
        {
            lock (_lock)
            {
                var oldest = long.MaxValue;
                foreach (var stream in _streams)
                {
                    oldest = Math.Min(oldest, stream.Next);
                }

                return oldest;
            }
        }

        public void CopyTo(List<JobStream> target, int? slice)
        {
            lock (_lock)
            {
                foreach (var stream in _streams)
                {
                    if (slice is null || stream.Slice == slice)
                    {
                        target.Add(stream);
                    }
                }
            }
        }
    }
}
