using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace Tandem.Protocol.Grpc;

/// <summary>
/// Length-prefixed messages: one byte compressed flag, four bytes big-endian length, the message. A frame may be split
/// over, or share, DATA frames in any way; the pipe hides that.
/// </summary>
internal static class GrpcFraming
{
    public const int PrefixBytes = 5;

    /// <summary>
    /// Reads one message, or null at the clean end of the stream. Nothing of a message is buffered before its length
    /// has been checked, so a large announcement costs no memory.
    /// </summary>
    public static async ValueTask<T?> ReadAsync<T>(
        PipeReader reader, MessageParser<T> parser, int? maxMessageBytes, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        var length = -1;
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var buffer = result.Buffer;

            if (length < 0 && buffer.Length >= PrefixBytes)
            {
                length = ReadPrefix(buffer, maxMessageBytes);
            }

            if (length >= 0 && buffer.Length >= PrefixBytes + (long)length)
            {
                var message = Parse(parser, buffer.Slice(PrefixBytes, length));
                reader.AdvanceTo(buffer.GetPosition(PrefixBytes + (long)length));
                return message;
            }

            if (result.IsCompleted)
            {
                return buffer.IsEmpty
                    ? null
                    : throw new GrpcException(GrpcStatusCode.Internal, "The stream ended inside a message.");
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Writes one message without flushing.</summary>
    public static void Write<T>(IBufferWriter<byte> writer, T message, int? maxMessageBytes)
        where T : IMessage<T>
    {
        var size = CheckedSize(message, maxMessageBytes);
        WritePrefix(writer.GetSpan(PrefixBytes), size);
        writer.Advance(PrefixBytes);
        message.WriteTo(writer);
    }

    public static int CheckedSize(IMessage message, int? maxMessageBytes)
    {
        var size = message.CalculateSize();
        return size <= (maxMessageBytes ?? int.MaxValue)
            ? size
            : throw new GrpcException(
                GrpcStatusCode.ResourceExhausted, $"A message of {size} bytes is above the send limit of {maxMessageBytes} bytes.");
    }

    public static void WritePrefix(Span<byte> destination, int size)
    {
        destination[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(destination[1..], size);
    }

    private static int ReadPrefix(ReadOnlySequence<byte> buffer, int? maxMessageBytes)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        if (prefix[0] != 0)
        {
            throw new GrpcException(GrpcStatusCode.Unimplemented, "Compressed messages are not supported; send identity.");
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        return length <= (uint)(maxMessageBytes ?? int.MaxValue - PrefixBytes)
            ? (int)length
            : throw new GrpcException(
                GrpcStatusCode.ResourceExhausted, $"A message of {length} bytes is above the receive limit of {maxMessageBytes} bytes.");
    }

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> bytes)
        where T : IMessage<T>
    {
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new GrpcException(GrpcStatusCode.Internal, $"A message is not a valid {typeof(T).Name}.", exception);
        }
    }
}
