namespace Imaging.Jpeg;

/// <summary>
/// JPEG decoder after ITU-T T.81 with JFIF, Adobe and EXIF application segments. A sequential picture whose channels come in one
/// scan, as nearly all photos do, is decoded one row of units at a time; anything else goes through <see cref="CoefficientStore"/>.
/// </summary>
internal ref struct JpegDecoder
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly DecodeOptions _options;
    private readonly JpegTables _tables = new();
    private JpegSegmentReader _segments;
    private JpegFrame? _frame;
    private Progression? _progression;
    private JpegPictureWriter? _writer;
    private ImageOrientation? _orientation;
    private int _scale = 8;
    private bool _hasJfif;
    private int? _adobeTransform;

    private JpegDecoder(ReadOnlySpan<byte> data, DecodeOptions options)
    {
        _data = data;
        _options = options;
        _segments = new JpegSegmentReader(data);
    }

    public static ImageInfo Identify(ReadOnlySpan<byte> data)
    {
        var decoder = new JpegDecoder(data, DecodeOptions.Default);
        while (decoder._segments.TryRead(out byte marker, out var payload))
        {
            if (JpegMarker.IsFrame(marker))
            {
                var frame = JpegFrame.Parse(marker, payload);
                return new ImageInfo(ImageFormat.Jpeg, frame.Width, frame.Height, decoder._orientation ?? ImageOrientation.Normal);
            }

            decoder.ReadApplicationSegment(marker, payload);
        }

        throw new ImageFormatException("The JPEG file has no picture header.");
    }

    public static Bitmap Decode(ReadOnlySpan<byte> data, DecodeOptions options, CancellationToken cancellationToken) =>
        new JpegDecoder(data, options).Decode(cancellationToken);

    private Bitmap Decode(CancellationToken cancellationToken)
    {
        while (_segments.TryRead(out byte marker, out var payload))
        {
            switch (marker)
            {
                case JpegMarker.DefineQuantization:
                    _tables.DefineQuantization(payload);
                    break;
                case JpegMarker.DefineHuffman:
                    _tables.DefineHuffman(payload);
                    break;
                case JpegMarker.DefineRestartInterval:
                    _tables.DefineRestartInterval(payload);
                    break;
                case JpegMarker.StartOfScan:
                    if (DecodeScan(payload, cancellationToken))
                    {
                        return _writer!.Bitmap;
                    }

                    break;
                default:
                    if (JpegMarker.IsFrame(marker))
                    {
                        BeginFrame(marker, payload);
                    }
                    else
                    {
                        ReadApplicationSegment(marker, payload);
                    }

                    break;
            }
        }

        if (_progression is not { HasPicture: true })
        {
            throw new ImageFormatException("The JPEG file ends before its picture is complete.");
        }

        return WriteStored(cancellationToken);
    }

    private void ReadApplicationSegment(byte marker, ReadOnlySpan<byte> payload)
    {
        if (marker == JpegMarker.App1)
        {
            _orientation ??= Exif.TryReadOrientation(payload);
        }
        else if (marker == JpegMarker.App14 && payload.Length >= 12 && payload.StartsWith("Adobe"u8))
        {
            _adobeTransform = payload[11];
        }
        else if (payload.StartsWith("JFIF\0"u8))
        {
            _hasJfif = true;
        }
    }

    private void BeginFrame(byte marker, ReadOnlySpan<byte> payload)
    {
        if (_frame is not null)
        {
            throw new ImageFormatException("The JPEG file is damaged: it has two picture headers.");
        }

        var frame = JpegFrame.Parse(marker, payload);
        ImageDecoder.CheckPixels(frame.Width, frame.Height, _options);

        // Every block costs at least one bit per scan that brings its DC value, and an end of block in a sequential scan.
        long blocks = frame.Components.Sum(c => (long)c.BlocksPerRow * c.BlockRows);
        if (blocks * (frame.Progressive ? 1 : 2) > _data.Length * 8L)
        {
            throw new ImageFormatException("The JPEG file is far too short for its picture.");
        }

        _frame = frame;
        _scale = 8 / ImageDecoder.ChooseReduction(frame.Width, frame.Height, _options.TargetMinSide);
        foreach (var component in frame.Components)
        {
            component.Scale(frame, _scale);
        }
    }

    /// <summary>Decodes a scan; true when the picture is complete with it.</summary>
    private bool DecodeScan(ReadOnlySpan<byte> payload, CancellationToken cancellationToken)
    {
        var frame = _frame ?? throw new ImageFormatException("The JPEG file is damaged: a scan comes before the header.");
        var scan = JpegScan.Parse(payload, frame, _tables);
        var reader = new JpegBitReader(_data, _segments.Position);
        if (!frame.Progressive && _progression is null && scan.Components.Length == frame.Components.Length)
        {
            DecodeInOnePass(scan, reader, cancellationToken);
            return true;
        }

        _progression ??= BeginStored(frame);
        _progression.Add(scan);
        _segments.Position = new StoredScan(frame, scan, _tables.RestartInterval, reader).Decode(cancellationToken);
        return false;
    }

    private void DecodeInOnePass(JpegScan scan, JpegBitReader reader, CancellationToken cancellationToken)
    {
        var frame = _frame!;
        var writer = CreateWriter();
        Span<short> block = stackalloc short[64];
        int restartInterval = _tables.RestartInterval;
        int unit = 0;
        for (int unitY = 0; unitY < frame.UnitRows; unitY++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int unitX = 0; unitX < frame.UnitsPerRow; unitX++, unit++)
            {
                if (restartInterval > 0 && unit > 0 && unit % restartInterval == 0)
                {
                    reader.Restart((unit / restartInterval) - 1);
                    foreach (var component in scan.Components)
                    {
                        component.DcPrediction = 0;
                    }
                }

                foreach (var component in scan.Components)
                {
                    DecodeUnit(ref reader, component, unitX, block);
                }
            }

            writer.WriteUnitRow(unitY);
        }
    }

    private static void DecodeUnit(ref JpegBitReader reader, JpegComponent component, int unitX, scoped Span<short> block)
    {
        var transform = component.Transform!;
        for (int v = 0; v < component.Vertical; v++)
        {
            for (int h = 0; h < component.Horizontal; h++)
            {
                block.Clear();
                bool onlyDc = SequentialBlock.Decode(ref reader, component, block);
                int x = ((unitX * component.Horizontal) + h) * component.BlockWidth;
                int y = v * component.BlockHeight;
                transform.Transform(block, onlyDc, component.Strip.AsSpan((y * component.Stride) + x), component.Stride);
            }
        }
    }

    private readonly Progression BeginStored(JpegFrame frame)
    {
        long bytes = frame.Components.Sum(CoefficientStore.BytesFor);
        if (bytes > _options.MaxWorkingBytes)
        {
            throw new ImageTooLargeException(
                $"This JPEG file comes in several scans and needs {bytes:N0} bytes to decode at this size; "
                + $"at most {_options.MaxWorkingBytes:N0} are allowed.");
        }

        foreach (var component in frame.Components)
        {
            component.Coefficients = new CoefficientStore(component);
        }

        return new Progression(frame);
    }

    private Bitmap WriteStored(CancellationToken cancellationToken)
    {
        var frame = _frame!;
        var writer = CreateWriter();
        Span<short> block = stackalloc short[64];
        block.Clear();
        for (int unitY = 0; unitY < frame.UnitRows; unitY++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var component in frame.Components)
            {
                var store = component.Coefficients!;
                for (int v = 0; v < component.Vertical; v++)
                {
                    int first = ((unitY * component.Vertical) + v) * component.PaddedBlocksPerRow;
                    var row = component.Strip.AsSpan(v * component.BlockHeight * component.Stride);
                    for (int x = 0; x < component.PaddedBlocksPerRow; x++)
                    {
                        store.CopyTo(first + x, block);
                        bool onlyDc = (store.NonZero(first + x) & ~1UL) == 0;
                        component.Transform!.Transform(block, onlyDc, row[(x * component.BlockWidth)..], component.Stride);
                    }
                }
            }

            writer.WriteUnitRow(unitY);
        }

        return writer.Bitmap;
    }

    private JpegPictureWriter CreateWriter()
    {
        var frame = _frame!;
        foreach (var component in frame.Components)
        {
            component.AllocateStrip();
        }

        var orientation = _options.ApplyOrientation ? _orientation ?? ImageOrientation.Normal : ImageOrientation.Normal;
        _writer = new JpegPictureWriter(frame, _scale, IsYCbCr(frame), orientation);
        return _writer;
    }

    /// <summary>JFIF means YCbCr; else Adobe's segment tells; else channels named R, G, B are what they say.</summary>
    private readonly bool IsYCbCr(JpegFrame frame) =>
        frame.Components.Length == 3
        && (_hasJfif || (_adobeTransform is { } transform
            ? transform != 0
            : !(frame.Components[0].Id == 'R' && frame.Components[1].Id == 'G' && frame.Components[2].Id == 'B')));
}
