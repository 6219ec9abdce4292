namespace Imaging.Jpeg;

/// <summary>
/// What the scans so far have delivered. Scans that repeat or skip bits are refused: no encoder writes them, and a small file
/// could otherwise ask for any amount of work.
/// </summary>
internal sealed class Progression(JpegFrame frame)
{
    /// <summary>Encoders write about ten; a hostile file gets no more work than this many passes over the picture.</summary>
    private const int MaxScans = 100;
    private const sbyte Missing = -1;

    private readonly sbyte[][] _lowBits = Array.ConvertAll(frame.Components, _ => CreateLevels());
    private int _scans;

    /// <summary>Every channel has at least its DC values.</summary>
    public bool HasPicture => Array.TrueForAll(_lowBits, levels => levels[0] != Missing);

    /// <summary>Notes a scan before it is decoded.</summary>
    public void Add(JpegScan scan)
    {
        if (++_scans > MaxScans)
        {
            throw new UnsupportedImageException($"JPEG files with more than {MaxScans} scans are not supported.");
        }

        foreach (var component in scan.Components)
        {
            var levels = _lowBits[Array.IndexOf(frame.Components, component)];
            foreach (ref sbyte level in levels.AsSpan(scan.SpectralStart..(scan.SpectralEnd + 1)))
            {
                int expected = scan.ApproximationHigh == 0 ? Missing : scan.ApproximationHigh;
                if (level != expected)
                {
                    throw new ImageFormatException("The JPEG file is damaged: its scans do not follow each other.");
                }

                level = (sbyte)scan.ApproximationLow;
            }
        }
    }

    private static sbyte[] CreateLevels()
    {
        var levels = new sbyte[64];
        levels.AsSpan().Fill(Missing);
        return levels;
    }
}
