using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Ai.Tests.Limits;

/// <summary>What the instruments of model access said while it listened.</summary>
internal sealed class Readings : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, double Value, Dictionary<string, object?> Tags)> _all = new();

    public Readings()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == AiTelemetry.Name)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public double Sum(string name, params (string Key, object Value)[] tags) => Of(name, tags).Sum();

    public double[] Of(string name, params (string Key, object Value)[] tags) =>
        [.. _all.Where(one => one.Name == name && tags.All(tag => Equals(one.Tags.GetValueOrDefault(tag.Key), tag.Value))).Select(one => one.Value)];

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _all.Enqueue((instrument.Name, value, new(tags.ToArray())));
}
