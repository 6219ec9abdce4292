using System.Diagnostics;
using Microsoft.Extensions.AI;

namespace Ai.Telemetry;

/// <summary>Sees the pieces of a stream pass: measures the time between them and keeps what a span tells about the answer.</summary>
internal sealed class StreamWatch : IAsyncEnumerator<ChatResponseUpdate>
{
    private readonly IAsyncEnumerator<ChatResponseUpdate> _updates;
    private readonly TagList _tags;
    private readonly TimeProvider _time;
    private int _toKeep;
    private long _last;

    /// <param name="updates">The stream, which stands on its first piece.</param>
    /// <param name="tags">Of the time between two pieces.</param>
    /// <param name="time">Clock.</param>
    /// <param name="keep">Characters of text to keep.</param>
    public StreamWatch(IAsyncEnumerator<ChatResponseUpdate> updates, TagList tags, TimeProvider time, int keep)
    {
        (_updates, _tags, _time, _toKeep) = (updates, tags, time, keep);
        _last = time.GetTimestamp();
        Kept = keep > 0 ? [] : null;
        Note(updates.Current);
    }

    /// <summary>What the provider calls the model.</summary>
    public string? Model { get; private set; }

    /// <summary>The provider's id of the answer.</summary>
    public string? ResponseId { get; private set; }

    /// <summary>Why the model stopped.</summary>
    public ChatFinishReason? FinishReason { get; private set; }

    /// <summary>Pieces up to the length that is kept; null when nothing is.</summary>
    public List<ChatResponseUpdate>? Kept { get; }

    public ChatResponseUpdate Current => _updates.Current;

    public async ValueTask<bool> MoveNextAsync()
    {
        if (!await _updates.MoveNextAsync())
        {
            return false;
        }

        var now = _time.GetTimestamp();
        AiTelemetry.TimePerOutputChunk.Record(_time.GetElapsedTime(_last, now).TotalSeconds, _tags);
        _last = now;
        Note(_updates.Current);
        return true;
    }

    public ValueTask DisposeAsync() => _updates.DisposeAsync();

    private void Note(ChatResponseUpdate update)
    {
        Model ??= update.ModelId;
        ResponseId ??= update.ResponseId;
        FinishReason = update.FinishReason ?? FinishReason;
        if (_toKeep > 0)
        {
            _toKeep -= Math.Max(update.Text.Length, 1);
            Kept?.Add(update);
        }
    }
}
