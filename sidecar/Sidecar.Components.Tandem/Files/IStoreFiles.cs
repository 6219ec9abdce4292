namespace Sidecar.Components.Tandem.Files;

/// <summary>The file operations of the store: the seam where tests tear writes and break disks.</summary>
internal interface IStoreFiles
{
    bool DirectoryExists(string path);

    void CreateDirectory(string path);

    /// <summary>Names (without folder) of the files in a folder.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Opens for reading and writing.</summary>
    IStoreFile Open(string path, bool create);

    void Delete(string path);

    /// <summary>Renames over what is there.</summary>
    void Move(string from, string to);

    /// <summary>Makes created, renamed and deleted names durable.</summary>
    void FlushDirectory(string path);

    /// <summary>Locks the folder against other processes; throws <see cref="StoreInUseException"/> when one has it.</summary>
    IDisposable Lock(string directory);
}

/// <summary>An open file.</summary>
internal interface IStoreFile : IDisposable
{
    long Length { get; }

    /// <summary>Reads until the span is full or the file ends; returns the count.</summary>
    int Read(long offset, Span<byte> bytes);

    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Returns when what was written is on the disk (fsync).</summary>
    void Flush();

    void Truncate(long length);
}

/// <summary>No room is left for what was to be written; some of it may have been.</summary>
internal sealed class DiskFullException(string message, Exception? innerException = null) : IOException(message, innerException);

/// <summary>Another process has the folder open.</summary>
internal sealed class StoreInUseException(string holder) : Exception
{
    /// <summary>Process id as text, or <c>unknown</c>.</summary>
    public string Holder { get; } = holder;
}
