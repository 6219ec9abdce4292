using Sidecar.Components.Broker;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// Writes the model while it changes. The log that begins where the snapshot does is replayed over it, and replaying is
/// idempotent, so it does no harm that the snapshot has some of that log's changes already; what did not change since then
/// is in it for certain.
/// </summary>
internal static class SnapshotWriter
{
    public static void Write(IStoreFile file, StoreModel model, long firstFrame, int frameBytes, CancellationToken cancellationToken)
    {
        var output = new Output(file, firstFrame, frameBytes);
        foreach (var table in model.Tables)
        {
            foreach (var entry in table.Entries)
            {
                Records.Put(output.Buffer, table.Name, entry);
                output.WriteFrameWhenFull();
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        foreach (var topic in model.Brokers.SelectMany(broker => broker.Topics))
        {
            cancellationToken.ThrowIfCancellationRequested();
            WriteTopic(output, topic);
        }

        Records.Version(output.Buffer, model.Version);
        Records.End(output.Buffer);
        output.WriteFrame();
    }

    private static void WriteTopic(Output output, Topic topic)
    {
        var image = topic.Capture();
        Records.Topic(output.Buffer, topic, image.First, image.Next);
        foreach (var entry in image.Entries)
        {
            Records.Entry(output.Buffer, RecordKind.Entry, topic, entry);
            output.WriteFrameWhenFull();
        }

        foreach (var group in image.Groups)
        {
            Records.Group(output.Buffer, topic, group.Name, group.AcknowledgedThrough);
            foreach (var (first, last) in group.AcknowledgedBeyond)
            {
                Records.AcknowledgeRange(output.Buffer, topic, group.Name, first, last);
                output.WriteFrameWhenFull();
            }

            foreach (var (sequence, failures) in group.Failures)
            {
                Records.Failure(output.Buffer, topic, group.Name, sequence, failures);
                output.WriteFrameWhenFull();
            }

            output.WriteFrameWhenFull();
        }
    }

    private sealed class Output(IStoreFile file, long firstFrame, int frameBytes)
    {
        private long _number = firstFrame;
        private long _offset = FrameFormat.FileHeaderSize;

        public RecordBuffer Buffer { get; } = new();

        public void WriteFrameWhenFull()
        {
            if (Buffer.Length >= frameBytes)
            {
                WriteFrame();
            }
        }

        public void WriteFrame()
        {
            FrameFormat.Seal(Buffer.Frame, _number++);
            file.Write(_offset, Buffer.Frame);
            _offset += Buffer.Length;
            Buffer.Clear();
        }
    }
}
