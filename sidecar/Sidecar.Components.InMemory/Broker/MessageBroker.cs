using System.Collections.Concurrent;

namespace Sidecar.Components.Broker;

/// <summary>The topics of one component name, shared by all its instances in the process.</summary>
internal sealed class MessageBroker(string name, TimeProvider time, IBrokerJournal? journal)
{
    private readonly ConcurrentDictionary<string, Topic> _topics = new(StringComparer.Ordinal);

    /// <summary>Component name.</summary>
    public string Name { get; } = name;

    public TimeProvider Time { get; } = time;

    /// <summary>Null for a broker that forgets with the process.</summary>
    public IBrokerJournal? Journal { get; } = journal;

    /// <summary>Keeps everything until a component says otherwise: a log is replayed before its component's metadata is known.</summary>
    public BrokerPolicy Policy { get; private set; } = BrokerPolicy.KeepAll;

    public IEnumerable<Topic> Topics => _topics.Select(pair => pair.Value);

    /// <summary>The instances of a component have one YAML, so the last instance's policy is everybody's.</summary>
    public void Configure(BrokerPolicy policy)
    {
        Policy = policy;
        foreach (var topic in Topics)
        {
            topic.Trim();
        }
    }

    public Topic Topic(string topic) => _topics.GetOrAdd(topic, static (topic, broker) => new Topic(broker, topic), this);
}
