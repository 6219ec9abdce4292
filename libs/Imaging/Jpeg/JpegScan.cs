namespace Imaging.Jpeg;

/// <summary>A scan header (T.81 B.2.3): which channels, which frequencies, which bits of them.</summary>
internal readonly record struct JpegScan(
    JpegComponent[] Components, int SpectralStart, int SpectralEnd, int ApproximationHigh, int ApproximationLow)
{
    /// <summary>Reads the payload and gives the channels their Huffman tables.</summary>
    public static JpegScan Parse(ReadOnlySpan<byte> payload, JpegFrame frame, JpegTables tables)
    {
        int count = payload.IsEmpty ? 0 : payload[0];
        if (count is < 1 or > 4 || payload.Length < 4 + (2 * count))
        {
            throw Damaged();
        }

        var tail = payload[(1 + (2 * count))..];
        var components = new JpegComponent[count];
        var scan = new JpegScan(components, tail[0], tail[1], tail[2] >> 4, tail[2] & 15);
        scan.CheckProgression(frame.Progressive);
        for (int i = 0; i < count; i++)
        {
            byte id = payload[1 + (2 * i)];
            int dc = payload[2 + (2 * i)] >> 4;
            int ac = payload[2 + (2 * i)] & 15;
            var component = Array.Find(frame.Components, c => c.Id == id);
            if (component is null || dc > 3 || ac > 3 || components.AsSpan(0, i).Contains(component))
            {
                throw Damaged();
            }

            components[i] = component;
            component.DcPrediction = 0;
            component.DcTable = scan.SpectralStart == 0 && scan.ApproximationHigh == 0 ? tables.Dc(dc) : null;
            component.AcTable = scan.SpectralEnd > 0 ? tables.Ac(ac) : null;
            component.Transform ??= new InverseDct(
                tables.Quantization(component.QuantizationTable), component.BlockWidth, component.BlockHeight);
        }

        return scan;
    }

    private void CheckProgression(bool progressive)
    {
        bool valid = progressive
            ? SpectralStart == 0
                ? SpectralEnd == 0
                : SpectralStart <= SpectralEnd && SpectralEnd <= 63 && Components.Length == 1
            : SpectralStart == 0 && SpectralEnd == 63 && ApproximationHigh == 0 && ApproximationLow == 0;
        if (!valid || ApproximationLow > 13 || (ApproximationHigh != 0 && ApproximationHigh != ApproximationLow + 1))
        {
            throw Damaged();
        }
    }

    private static ImageFormatException Damaged() => new("A scan header of the JPEG file is damaged.");
}
