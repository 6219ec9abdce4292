using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Files;

namespace Sidecar.Components.Tandem.Store;

/// <summary>
/// The file format, version 1. A file is a header and frames, integers little-endian.
/// <code>
/// file   = "TANDEMST" version:u32 kind:u32 first:u64 crc:u32 0:u32      first = number of its first frame
/// frame  = size:u32 crc:u32 number:u48 unflushed:u16 payload[size]      crc (CRC-32C) of all after it
/// </code>
/// A frame holds the records of one commit, so a commit is there wholly or not at all. Frame numbers rise by one across
/// log files. A disk writes what was not flushed in any order, so a torn end may have sound frames behind the break. A frame
/// says how many before it had not been flushed when it was written; a break before those is damage and no torn end.
/// </summary>
internal static class FrameFormat
{
    public const int HeaderSize = 16;
    public const int FileHeaderSize = 32;
    public const uint Version = 1;
    /// <summary>What a message about a store that cannot be opened ends with.</summary>
    public const string Reset = "run './daprw reset' to start with an empty store";

    /// <summary>Most frames that may go without a flush: what their number has room for.</summary>
    public const int MaxUnflushed = ushort.MaxValue;

    private const int NumberBits = 48;
    private const int MaxPayload = 1024 * 1024 * 1024;

    private static ReadOnlySpan<byte> Magic => "TANDEMST"u8;

    /// <summary>Fills the header of a frame whose payload is in place; so many frames before it are not on the disk for certain.</summary>
    public static void Seal(Span<byte> frame, long number, int unflushed = 0)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)(frame.Length - HeaderSize));
        BinaryPrimitives.WriteInt64LittleEndian(frame[8..], number | ((long)unflushed << NumberBits));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], Checksum(frame[8..]));
    }

    public static void WriteFileHeader(IStoreFile file, StoreFileKind kind, long firstFrame)
    {
        Span<byte> header = stackalloc byte[FileHeaderSize];
        header.Clear();
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], (uint)kind);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], firstFrame);
        BinaryPrimitives.WriteUInt32LittleEndian(header[24..], Checksum(header[..24]));
        file.Write(0, header);
    }

    /// <summary>Whether a file ended before its header was flushed, and so before anything was written behind it.</summary>
    public static bool IsTornHeader(ReadOnlySpan<byte> file) =>
        file.Length < FileHeaderSize
        || file.Length == FileHeaderSize && BinaryPrimitives.ReadUInt32LittleEndian(file[24..]) != Checksum(file[..24]);

    /// <summary>The number of the first frame; throws when the file is none of ours, of another version or damaged.</summary>
    public static long ReadFileHeader(ReadOnlySpan<byte> file, StoreFileKind kind, string path)
    {
        if (file.Length < FileHeaderSize || !file[..8].SequenceEqual(Magic))
        {
            throw new ComponentException($"'{path}' is not a store file; move it away, or {Reset}");
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(file[8..]);
        if (version != Version)
        {
            throw new ComponentException(
                $"'{path}' has store format {version}, this build reads format {Version}; {Reset}");
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(file[24..]) != Checksum(file[..24])
            || BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) != (uint)kind)
        {
            throw Damaged(path, 0);
        }

        return BinaryPrimitives.ReadInt64LittleEndian(file[16..]);
    }

    /// <summary>Size of the payload that a frame header announces; 0 when no frame has such a size or number.</summary>
    public static int AnnouncedSize(ReadOnlySpan<byte> header, long number)
    {
        var size = BinaryPrimitives.ReadUInt32LittleEndian(header);
        return size <= MaxPayload && NumberOf(header) == number ? (int)size : 0;
    }

    public static long NumberOf(ReadOnlySpan<byte> header) =>
        BinaryPrimitives.ReadInt64LittleEndian(header[8..]) & ((1L << NumberBits) - 1);

    /// <summary>The first frame that was not on the disk for certain when the one of the header was written.</summary>
    public static long FirstUnflushed(ReadOnlySpan<byte> header) =>
        NumberOf(header) - (BinaryPrimitives.ReadInt64LittleEndian(header[8..]) >>> NumberBits);

    /// <summary>Whether the checksum of a whole frame holds.</summary>
    public static bool IsSound(ReadOnlySpan<byte> frame) =>
        BinaryPrimitives.ReadUInt32LittleEndian(frame[4..]) == Checksum(frame[8..]);

    public static ComponentException Damaged(string path, long offset) =>
        new($"store file '{path}' is damaged at offset {offset}; restore it from a copy, or {Reset}");

    // CRC-32C with the processor's instruction; System.IO.Hashing would offer the slower CRC-32 only.
    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            crc = BitOperations.Crc32C(crc, word);
        }

        foreach (var single in bytes[(words.Length * sizeof(ulong))..])
        {
            crc = BitOperations.Crc32C(crc, single);
        }

        return ~crc;
    }
}

/// <summary>What a store file is.</summary>
internal enum StoreFileKind : uint
{
    /// <summary>Commits since a snapshot.</summary>
    Log = 1,
    /// <summary>Everything before a log.</summary>
    Snapshot = 2,
}
