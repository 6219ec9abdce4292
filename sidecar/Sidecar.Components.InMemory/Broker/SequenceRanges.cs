namespace Sidecar.Components.Broker;

/// <summary>
/// A set of sequences kept as ranges: what is acknowledged behind a message that is stuck is one range, however long it stays so.
/// </summary>
internal sealed class SequenceRanges
{
    /// <summary>In order, with gaps between them.</summary>
    private readonly List<(long First, long Last)> _ranges = [];

    public bool Contains(long sequence) => FirstEndingAt(sequence) is var index && index < _ranges.Count && _ranges[index].First <= sequence;

    public void Add(long sequence)
    {
        var index = FirstEndingAt(sequence - 1);
        var added = (First: sequence, Last: sequence);
        while (index < _ranges.Count && _ranges[index].First <= sequence + 1)
        {
            added = (Math.Min(added.First, _ranges[index].First), Math.Max(added.Last, _ranges[index].Last));
            _ranges.RemoveAt(index);
        }

        _ranges.Insert(index, added);
    }

    /// <summary>Removes what the sequence or a range that joins it covers; returns the last one covered.</summary>
    public long Absorb(long sequence)
    {
        while (_ranges.Count > 0 && _ranges[0].First <= sequence + 1)
        {
            sequence = Math.Max(sequence, _ranges[0].Last);
            _ranges.RemoveAt(0);
        }

        return sequence;
    }

    public (long First, long Last)[] ToArray() => [.. _ranges];

    /// <summary>Index of the first range that ends at the sequence or after it.</summary>
    private int FirstEndingAt(long sequence)
    {
        var (from, to) = (0, _ranges.Count);
        while (from < to)
        {
            var middle = (from + to) / 2;
            (from, to) = _ranges[middle].Last < sequence ? (middle + 1, to) : (from, middle);
        }

        return from;
    }
}
