using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;

namespace Sidecar.Components.Tandem.Store;

/// <summary>How far a write must have come before its caller goes on.</summary>
internal enum Durability
{
    /// <summary>Given to the operating system: survives the process, not the machine. Component metadata <c>fsync: "false"</c>.</summary>
    Written,
    /// <summary>On the disk.</summary>
    Flushed,
}

/// <summary>
/// Something the committer does. <see cref="Prepare"/> runs on its thread, checks, and stages records; when it throws, the
/// caller gets the exception and nothing is staged.
/// </summary>
internal abstract class StoreOperation
{
    public abstract void Prepare(StoreBatch batch);

    public virtual void Succeed() { }

    public virtual void Fail(Exception exception) { }
}

/// <summary>An operation whose caller waits.</summary>
internal abstract class AwaitedOperation(Durability durability) : StoreOperation
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Completion => _completion.Task;

    public sealed override void Prepare(StoreBatch batch)
    {
        Stage(batch);
        batch.MustFlush |= durability == Durability.Flushed;
    }

    public override void Succeed() => _completion.TrySetResult();

    public override void Fail(Exception exception) => _completion.TrySetException(exception);

    protected abstract void Stage(StoreBatch batch);
}

/// <summary>Waits until everything submitted before it is on the disk.</summary>
internal sealed class FlushOperation() : AwaitedOperation(Durability.Flushed)
{
    protected override void Stage(StoreBatch batch) { }
}

/// <summary>Conditional writes to one table, all or none.</summary>
internal sealed class WriteOperation(KeyTable table, TimeProvider time, IReadOnlyList<StateWrite> writes, Durability durability)
    : AwaitedOperation(durability)
{
    protected override void Stage(StoreBatch batch)
    {
        var now = time.GetUtcNow().Ticks;
        var position = batch.Position;
        try
        {
            foreach (var write in writes)
            {
                var current = batch.Find(table, write.Key);
                WriteConditions.Check(write, current is not null && current.IsLive(now) ? current : null);
                if (write.Value is { } value)
                {
                    var version = ++batch.Model.Version;
                    batch.Put(table, new KeyEntry(write.Key, value.ToArray(), version, KeyEntry.ExpiryOf(write.Ttl, now)));
                }
                else if (current is not null)
                {
                    batch.Delete(table, write.Key);
                }
            }
        }
        catch
        {
            batch.RollBack(position);
            throw;
        }
    }
}

/// <summary>Removes entries that were found expired, unless they have been replaced since.</summary>
internal sealed class SweepOperation(KeyTable table, IReadOnlyList<KeyEntry> expired) : StoreOperation
{
    public override void Prepare(StoreBatch batch)
    {
        foreach (var entry in expired)
        {
            if (ReferenceEquals(batch.Find(table, entry.Key), entry))
            {
                batch.Delete(table, entry.Key);
            }
        }
    }
}

/// <summary>Appends messages to a topic.</summary>
internal sealed class AppendOperation(Topic topic, TopicEntry[] entries, Durability durability) : AwaitedOperation(durability)
{
    protected override void Stage(StoreBatch batch)
    {
        foreach (var entry in entries)
        {
            batch.Append(topic, entry);
        }
    }
}

/// <summary>Makes a lasting consumer group that starts with the oldest message kept.</summary>
internal sealed class GroupOperation(Topic topic, string group, Durability durability) : AwaitedOperation(durability)
{
    protected override void Stage(StoreBatch batch)
    {
        if (!topic.HasGroup(group))
        {
            batch.AddGroup(topic, group, topic.First - 1);
        }
    }
}

/// <summary>Notes an acknowledgement; nobody waits.</summary>
internal sealed class AcknowledgeOperation(Topic topic, string group, long sequence) : StoreOperation
{
    public override void Prepare(StoreBatch batch)
    {
        Records.Acknowledge(batch.Buffer, topic, group, sequence);
        batch.ShouldFlush = true;
    }
}

/// <summary>Notes a failed delivery; nobody waits.</summary>
internal sealed class FailureOperation(Topic topic, string group, long sequence, int failures) : StoreOperation
{
    public override void Prepare(StoreBatch batch)
    {
        Records.Failure(batch.Buffer, topic, group, sequence, failures);
        batch.ShouldFlush = true;
    }
}
