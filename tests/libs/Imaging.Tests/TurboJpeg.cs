using System.Runtime.InteropServices;

namespace Imaging.Tests;

/// <summary>libturbojpeg as the oracle. Debian: libturbojpeg0.</summary>
internal static partial class TurboJpeg
{
    private const string Library = "libturbojpeg.so.0";
    private const int PixelFormatRgb = 0;
    private const int FlagFastUpsample = 256;
    private const int FlagAccurateDct = 4096;

    /// <summary>Null when usable, else why not.</summary>
    public static string? Missing { get; } = NativeLibrary.TryLoad(Library, out _) ? null : $"{Library} is not installed";

    /// <summary>Decodes at full size, each chroma sample repeated as our decoder does.</summary>
    public static Bitmap Decode(byte[] jpeg)
    {
        nint handle = InitDecompress();
        try
        {
            Check(handle, DecompressHeader(handle, jpeg, (ulong)jpeg.Length, out int width, out int height, out _, out _));
            var bitmap = new Bitmap(width, height);
            Check(handle, Decompress(handle, jpeg, (ulong)jpeg.Length, ref MemoryMarshal.GetReference(bitmap.Pixels),
                width, bitmap.Stride, height, PixelFormatRgb, FlagFastUpsample | FlagAccurateDct));
            return bitmap;
        }
        finally
        {
            Destroy(handle);
        }
    }

    private static void Check(nint handle, int result)
    {
        if (result != 0)
        {
            throw new InvalidOperationException(Marshal.PtrToStringUTF8(GetErrorText(handle)));
        }
    }

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    private static partial nint InitDecompress();

    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    private static partial int DecompressHeader(
        nint handle, byte[] jpeg, ulong size, out int width, out int height, out int subsampling, out int colourSpace);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    private static partial int Decompress(
        nint handle, byte[] jpeg, ulong size, ref byte target, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    private static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    private static partial nint GetErrorText(nint handle);
}
