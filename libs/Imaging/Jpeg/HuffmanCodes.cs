namespace Imaging.Jpeg;

/// <summary>Codes for an encoder (T.81 annex C).</summary>
internal sealed class HuffmanCodes
{
    private readonly ushort[] _codes = new ushort[256];
    private readonly byte[] _lengths = new byte[256];

    /// <param name="counts">Number of codes of 1 to 16 bits.</param>
    /// <param name="symbols">Symbols in the order of their codes.</param>
    public HuffmanCodes(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        Specification = [.. counts, .. symbols];
        int code = 0;
        int index = 0;
        for (int length = 1; length <= counts.Length; length++, code <<= 1)
        {
            for (int i = 0; i < counts[length - 1]; i++, index++, code++)
            {
                _codes[symbols[index]] = (ushort)code;
                _lengths[symbols[index]] = (byte)length;
            }
        }
    }

    /// <summary>Counts and symbols as a file holds them.</summary>
    public byte[] Specification { get; }

    public int Code(int symbol) => _codes[symbol];

    public int Length(int symbol) => _lengths[symbol];
}
