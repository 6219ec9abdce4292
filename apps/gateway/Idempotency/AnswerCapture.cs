namespace Gateway.Idempotency;

/// <summary>
/// Holds an answer back until it is kept, so that nobody sees one that a repeat would not get. One that is too large is let through from there on.
/// </summary>
internal sealed class AnswerCapture(Stream client, int maxBytes, Func<Task> onTooLarge) : Stream
{
    private readonly MemoryStream _held = new();

    /// <summary>Whether the client gets it already.</summary>
    public bool IsPassing { get; private set; }

    public byte[] Held => _held.ToArray();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsPassing && _held.Length + buffer.Length > maxBytes)
        {
            await onTooLarge();
            IsPassing = true;
            await client.WriteAsync(_held.GetBuffer().AsMemory(0, (int)_held.Length), cancellationToken);
        }

        if (IsPassing)
        {
            await client.WriteAsync(buffer, cancellationToken);
        }
        else
        {
            _held.Write(buffer.Span);
        }
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => IsPassing ? client.FlushAsync(cancellationToken) : Task.CompletedTask;

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("answers are written asynchronously");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
