namespace Imaging.Jpeg;

/// <summary>Second bytes of the markers of ITU-T T.81, table B.1.</summary>
internal static class JpegMarker
{
    public const byte Sof0Baseline = 0xC0;
    public const byte Sof1Extended = 0xC1;
    public const byte Sof2Progressive = 0xC2;
    public const byte Sof3Lossless = 0xC3;
    public const byte DefineHuffman = 0xC4;
    public const byte JpgReserved = 0xC8;
    public const byte Sof9Arithmetic = 0xC9;
    public const byte DefineArithmetic = 0xCC;
    public const byte SofLast = 0xCF;
    public const byte Restart0 = 0xD0;
    public const byte Restart7 = 0xD7;
    public const byte StartOfImage = 0xD8;
    public const byte EndOfImage = 0xD9;
    public const byte StartOfScan = 0xDA;
    public const byte DefineQuantization = 0xDB;
    public const byte DefineRestartInterval = 0xDD;
    public const byte App0 = 0xE0;
    public const byte App1 = 0xE1;
    public const byte App14 = 0xEE;
    public const byte Comment = 0xFE;

    /// <summary>Markers that stand alone, without length and payload.</summary>
    public static bool IsStandalone(byte marker) => marker is (>= Restart0 and <= EndOfImage) or 0x01;

    /// <summary>Start of a frame of any process.</summary>
    public static bool IsFrame(byte marker) =>
        marker is >= Sof0Baseline and <= SofLast and not DefineHuffman and not JpgReserved and not DefineArithmetic;
}
