using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tandem.Protocol.Grpc;

/// <summary>
/// The percent-encoding of <c>grpc-message</c>: UTF-8 bytes outside 0x20-0x7E, and <c>%</c> itself, become <c>%XX</c>.
/// Decoding never fails: a broken escape stands for itself, since a status must reach the caller whatever its text is.
/// </summary>
internal static class GrpcPercentEncoding
{
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        Enumerable.Range(0x20, 0x7F - 0x20).Select(c => (char)c).Where(c => c != '%').ToArray());

    public static string Encode(string value)
    {
        if (value.AsSpan().IndexOfAnyExcept(Plain) < 0)
        {
            return value;
        }

        var encoded = new StringBuilder(value.Length + 16);
        foreach (var b in Encoding.UTF8.GetBytes(value))
        {
            if (b is >= 0x20 and <= 0x7E && b != '%')
            {
                encoded.Append((char)b);
            }
            else
            {
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return encoded.ToString();
    }

    public static string Decode(string value)
    {
        if (!value.Contains('%', StringComparison.Ordinal))
        {
            return value;
        }

        var bytes = new ArrayBufferWriter<byte>(value.Length);
        for (var i = 0; i < value.Length;)
        {
            if (value[i] == '%' && i + 2 < value.Length
                && byte.TryParse(value.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var b))
            {
                bytes.Write([b]);
                i += 3;
                continue;
            }

            var rune = Rune.TryGetRuneAt(value, i, out var scalar) ? scalar : Rune.ReplacementChar;
            bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
            i += rune.Utf16SequenceLength;
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
