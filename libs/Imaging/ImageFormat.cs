namespace Imaging;

/// <summary>Picture formats that can be decoded.</summary>
public enum ImageFormat
{
    /// <summary>JPEG, ITU-T T.81: baseline, extended sequential and progressive with Huffman coding, 8 bits.</summary>
    Jpeg,

    /// <summary>PNG, ISO/IEC 15948: every colour type and bit depth, Adam7.</summary>
    Png,
}
