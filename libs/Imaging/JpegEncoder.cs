using System.Buffers.Binary;
using System.Text;
using Imaging.Jpeg;

namespace Imaging;

/// <summary>Writes baseline JPEG files with halved chroma (4:2:0) and the tables of T.81 annex K.</summary>
public static class JpegEncoder
{
    /// <summary>Largest side that the format can express.</summary>
    public const int MaxSide = ushort.MaxValue;

    private const int UnitSide = 16;

    /// <summary>Encodes a picture.</summary>
    /// <param name="bitmap">At most <see cref="MaxSide"/> pixels per side.</param>
    /// <param name="quality">1 to 100 on the scale of the IJG library; 85 keeps photos free of visible damage.</param>
    /// <param name="comment">Words that stand in the file, at most 65,533 bytes of UTF-8; null for none.</param>
    public static byte[] Encode(Bitmap bitmap, int quality = 85, string? comment = null)
    {
        ArgumentNullException.ThrowIfNull(bitmap);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bitmap.Width, MaxSide, nameof(bitmap));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bitmap.Height, MaxSide, nameof(bitmap));
        ArgumentOutOfRangeException.ThrowIfLessThan(quality, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(quality, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Encoding.UTF8.GetByteCount(comment ?? ""), ushort.MaxValue - 2, nameof(comment));

        var luma = StandardTables.Scale(StandardTables.LumaQuantization, quality);
        var chroma = StandardTables.Scale(StandardTables.ChromaQuantization, quality);
        var output = new MemoryStream(bitmap.Width * bitmap.Height / 4);
        WriteHeaders(output, bitmap, luma, chroma, comment);
        WriteScan(output, bitmap, new ForwardDct(luma), new ForwardDct(chroma));
        output.Write([0xFF, JpegMarker.EndOfImage]);
        return output.ToArray();
    }

    private static void WriteHeaders(Stream output, Bitmap bitmap, byte[] luma, byte[] chroma, string? comment)
    {
        output.Write([0xFF, JpegMarker.StartOfImage]);
        WriteSegment(output, JpegMarker.App0, [.. "JFIF\0"u8, 1, 2, 0, 0, 1, 0, 1, 0, 0]);
        if (comment is not null)
        {
            WriteSegment(output, JpegMarker.Comment, Encoding.UTF8.GetBytes(comment));
        }

        WriteSegment(output, JpegMarker.DefineQuantization, [0, .. StandardTables.ToZigZag(luma)]);
        WriteSegment(output, JpegMarker.DefineQuantization, [1, .. StandardTables.ToZigZag(chroma)]);
        Span<byte> frame = [8, 0, 0, 0, 0, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        BinaryPrimitives.WriteUInt16BigEndian(frame[1..], (ushort)bitmap.Height);
        BinaryPrimitives.WriteUInt16BigEndian(frame[3..], (ushort)bitmap.Width);
        WriteSegment(output, JpegMarker.Sof0Baseline, frame);
        WriteSegment(output, JpegMarker.DefineHuffman, [0x00, .. StandardTables.LumaDc.Specification]);
        WriteSegment(output, JpegMarker.DefineHuffman, [0x10, .. StandardTables.LumaAc.Specification]);
        WriteSegment(output, JpegMarker.DefineHuffman, [0x01, .. StandardTables.ChromaDc.Specification]);
        WriteSegment(output, JpegMarker.DefineHuffman, [0x11, .. StandardTables.ChromaAc.Specification]);
        WriteSegment(output, JpegMarker.StartOfScan, [3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0]);
    }

    private static void WriteSegment(Stream output, byte marker, ReadOnlySpan<byte> payload)
    {
        int length = payload.Length + 2;
        output.Write([0xFF, marker, (byte)(length >> 8), (byte)length]);
        output.Write(payload);
    }

    private static void WriteScan(Stream output, Bitmap bitmap, ForwardDct luma, ForwardDct chroma)
    {
        var unit = new ColourUnit();
        var writer = new EntropyWriter(output);
        int lumaDc = 0, blueDc = 0, redDc = 0;
        for (int y = 0; y < bitmap.Height; y += UnitSide)
        {
            for (int x = 0; x < bitmap.Width; x += UnitSide)
            {
                unit.Load(bitmap, x, y);
                for (int block = 0; block < 4; block++)
                {
                    writer.Write(luma.Transform(unit.Luma(block)), ref lumaDc, StandardTables.LumaDc, StandardTables.LumaAc);
                }

                writer.Write(chroma.Transform(unit.Blue), ref blueDc, StandardTables.ChromaDc, StandardTables.ChromaAc);
                writer.Write(chroma.Transform(unit.Red), ref redDc, StandardTables.ChromaDc, StandardTables.ChromaAc);
            }
        }

        writer.Finish();
    }
}
