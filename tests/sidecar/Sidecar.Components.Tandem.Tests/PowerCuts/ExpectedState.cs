namespace Sidecar.Components.Tandem.Tests.PowerCuts;

/// <summary>What a store holds after some of the operations submitted to it: the simple model that it is compared with.</summary>
internal sealed class ExpectedState
{
    public Dictionary<(string Table, string Key), ExpectedValue> Values { get; private init; } = [];

    public Dictionary<string, ExpectedTopic> Topics { get; private init; } = [];

    public ExpectedState Copy() => new()
    {
        Values = new(Values),
        Topics = Topics.ToDictionary(pair => pair.Key, pair => pair.Value.Copy()),
    };

    public ExpectedValue? Live(string table, string key, long now) =>
        Values.TryGetValue((table, key), out var value) && value.ExpiresAt > now ? value : null;

    public ExpectedTopic Topic(string name)
    {
        if (!Topics.TryGetValue(name, out var topic))
        {
            Topics.Add(name, topic = new ExpectedTopic());
        }

        return topic;
    }
}

/// <summary>A value; the version is null until it has been read from the store.</summary>
internal sealed record ExpectedValue(string Text, long ExpiresAt, long? Version);

/// <summary>Messages by sequence, from 1 on, and what each group has acknowledged.</summary>
internal sealed class ExpectedTopic
{
    public List<string> Messages { get; private init; } = [];

    public Dictionary<string, HashSet<long>> Acknowledged { get; private init; } = [];

    /// <summary>Messages before a group's time: it may be given them or not. Known once the group has been seen.</summary>
    public Dictionary<string, HashSet<long>> NotFor { get; private init; } = [];

    public ExpectedTopic Copy() => new()
    {
        Messages = [.. Messages],
        Acknowledged = Acknowledged.ToDictionary(pair => pair.Key, pair => pair.Value.ToHashSet()),
        NotFor = new(NotFor),
    };
}
