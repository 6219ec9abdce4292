using System.Globalization;
using System.Text;
using Sidecar.Abstractions;
using Sidecar.Components.Broker;
using Sidecar.Components.Keys;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem.Tests.PowerCuts;

/// <summary>Something done to a store, for real and to the model of it, at a time in UTC ticks.</summary>
internal abstract record Operation(Durability Durability, long At)
{
    /// <summary>Submits it; completes when the store acknowledges it.</summary>
    public abstract Task SubmitAsync(FileStore store);

    /// <summary>Returns false when it must be refused, and then changes nothing.</summary>
    public abstract bool Apply(ExpectedState state);
}

/// <summary>Writes of keys, all or none.</summary>
internal sealed record Write(string Table, IReadOnlyList<KeyWrite> Keys, Durability Durability, long At) : Operation(Durability, At)
{
    public override string ToString() => $"{Durability} {Table}: {string.Join(", ", Keys)}";

    public override Task SubmitAsync(FileStore store) =>
        store.WriteAsync(store.Table(Table), [.. Keys.Select(key => key.ToStateWrite())], Durability, default).AsTask();

    public override bool Apply(ExpectedState state)
    {
        var changed = new Dictionary<string, ExpectedValue?>();
        foreach (var key in Keys)
        {
            var live = changed.TryGetValue(key.Key, out var value) ? value : state.Live(Table, key.Key, At);
            if (key.Version is { } version ? live is null || live.Version != version : key.FirstWrite && live is not null)
            {
                return false;
            }

            changed[key.Key] = key.Text is null ? null : new ExpectedValue(key.Text, KeyEntry.ExpiryOf(key.Ttl, At), null);
        }

        foreach (var (key, value) in changed)
        {
            if (value is null)
            {
                state.Values.Remove((Table, key));
            }
            else
            {
                state.Values[(Table, key)] = value;
            }
        }

        return true;
    }
}

/// <summary>One key of a write; no text deletes it.</summary>
internal sealed record KeyWrite(string Key, string? Text, long? Version, bool FirstWrite, TimeSpan? Ttl)
{
    public StateWrite ToStateWrite() => new(
        Key, Text is null ? (ReadOnlyMemory<byte>?)null : Encoding.ASCII.GetBytes(Text), Version?.ToString(CultureInfo.InvariantCulture), FirstWrite, Ttl);
}

/// <summary>Messages published together.</summary>
internal sealed record Publish(string Topic, IReadOnlyList<string> Messages, Durability Durability, long At) : Operation(Durability, At)
{
    public override Task SubmitAsync(FileStore store) =>
        store.PublishAsync(store.Broker("pubsub").Topic(Topic), [.. Messages.Select(StoreFixture.Entry)], Durability, default).AsTask();

    public override bool Apply(ExpectedState state)
    {
        state.Topic(Topic).Messages.AddRange(Messages);
        return true;
    }
}

/// <summary>A new group; where it begins is the store's affair.</summary>
internal sealed record Subscribe(string Topic, string Group, long At) : Operation(Durability.Flushed, At)
{
    public override Task SubmitAsync(FileStore store) =>
        store.EnsureGroupAsync(store.Broker("pubsub").Topic(Topic), Group, Durability, default).AsTask();

    public override bool Apply(ExpectedState state)
    {
        state.Topic(Topic).Acknowledged.TryAdd(Group, []);
        return true;
    }
}

/// <summary>An acknowledgement as a subscription gives it: first in memory, then in the journal. Nobody waits for the disk.</summary>
internal sealed record Acknowledge(string Topic, string Group, long Sequence, long At) : Operation(Durability.Written, At)
{
    public override Task SubmitAsync(FileStore store)
    {
        var topic = store.Broker("pubsub").Topic(Topic);
        topic.ReplayAcknowledged(Group, Sequence);
        return ((IBrokerJournal)store).AcknowledgedAsync(topic, Group, Sequence).AsTask();
    }

    public override bool Apply(ExpectedState state)
    {
        state.Topic(Topic).Acknowledged[Group].Add(Sequence);
        return true;
    }
}
