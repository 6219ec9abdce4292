using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Contracts.Jobs;
using ServiceDefaults;

namespace Sse.Streams;

/// <summary>Bytes of one SSE event, made once and shared by all streams that send it.</summary>
/// <param name="Seq">Its number in the log; 0 for an event that is not in a log and has no <c>id:</c>.</param>
/// <param name="Bytes">The frame with its closing empty line.</param>
/// <param name="EndsJob">Whether it is the job's terminal event.</param>
internal sealed record EventFrame(long Seq, ReadOnlyMemory<byte> Bytes, bool EndsJob)
{
    /// <summary>A log entry: <c>id</c> = number, <c>event</c> = stage, <c>data</c> = the JSON on one line.</summary>
    public static EventFrame Of(JobEvent entry)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        Text(buffer, "id: ");
        Text(buffer, entry.Seq.ToString(CultureInfo.InvariantCulture));
        Text(buffer, "\nevent: ");
        Text(buffer, entry.Stage);
        Text(buffer, "\ndata: ");
        using (var json = new Utf8JsonWriter(buffer))
        {
            JsonSerializer.Serialize(json, entry, TandemJson.Options);
        }

        Text(buffer, "\n\n");
        return new EventFrame(entry.Seq, buffer.WrittenMemory.ToArray(), entry.Stage == JobWords.Done);
    }

    /// <summary>What a stream begins with: how soon to reconnect, how often to expect a sign of life, where the replay begins.</summary>
    public static EventFrame Opening(TimeSpan retry, TimeSpan keepAlive, long replayFrom) => new(
        0,
        Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"retry: {(long)retry.TotalMilliseconds}\nevent: stream\ndata: {{\"keepalive_ms\":{(long)keepAlive.TotalMilliseconds},\"replay_from\":{replayFrom}}}\n\n")),
        false);

    /// <summary>A sign of life; without id, so that it moves no cursor.</summary>
    public static EventFrame KeepAlive(DateTimeOffset now) => new(
        0, Encoding.UTF8.GetBytes($"event: keepalive\ndata: {{\"timestamp\":\"{now.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}\"}}\n\n"), false);

    private static void Text(ArrayBufferWriter<byte> buffer, string text) => Encoding.UTF8.GetBytes(text, buffer);
}
