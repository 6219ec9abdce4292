using System.Buffers.Binary;

namespace Imaging.Jpeg;

/// <summary>Reads the orientation out of an EXIF block. Damage inside it never spoils the picture.</summary>
internal static class Exif
{
    private const ushort OrientationTag = 0x0112;
    private const ushort ShortType = 3;
    private const int EntryBytes = 12;

    /// <summary>The orientation in the payload of an APP1 segment, or null.</summary>
    public static ImageOrientation? TryReadOrientation(ReadOnlySpan<byte> app1)
    {
        if (!app1.StartsWith("Exif\0\0"u8))
        {
            return null;
        }

        var tiff = app1[6..];
        if (tiff.Length < 8)
        {
            return null;
        }

        bool littleEndian = tiff.StartsWith("II"u8);
        if (!littleEndian && !tiff.StartsWith("MM"u8))
        {
            return null;
        }

        uint directory = littleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return null;
        }

        int count = ReadUInt16(tiff[(int)directory..], littleEndian);
        var entries = tiff[((int)directory + 2)..];
        for (int i = 0; i < count && entries.Length >= EntryBytes; i++, entries = entries[EntryBytes..])
        {
            if (ReadUInt16(entries, littleEndian) == OrientationTag && ReadUInt16(entries[2..], littleEndian) == ShortType)
            {
                int value = ReadUInt16(entries[8..], littleEndian);
                return value is >= 1 and <= 8 ? (ImageOrientation)value : null;
            }
        }

        return null;
    }

    private static ushort ReadUInt16(ReadOnlySpan<byte> data, bool littleEndian) =>
        littleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(data) : BinaryPrimitives.ReadUInt16BigEndian(data);
}
