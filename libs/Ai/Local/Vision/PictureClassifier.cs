using System.Buffers;
using Ai.Local.Vision.MobileNet;
using Ai.Local.Vision.OwnFeatures;
using Imaging;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ai.Local.Vision;

/// <summary>
/// Tells the material of the object in a photo, on this machine and without a model server. Thread-safe; the weights are loaded
/// once, with the first picture. One picture at 320 pixels takes one thread for some ten milliseconds after decoding and about
/// 10 MB beside its own pixels.
/// </summary>
public sealed partial class PictureClassifier
{
    private const string HeadVersion = "head-v1";
    private static readonly int ClassCount = WasteLabels.All.Count;

    private readonly PictureClassifierOptions _options;
    private readonly ILogger _logger;
    private readonly Func<string, byte[]> _readResource;
    private readonly Lazy<LoadedModel> _model;

    /// <summary>Creates a classifier with its built-in weights.</summary>
    public PictureClassifier(PictureClassifierOptions? options = null, ILogger<PictureClassifier>? logger = null)
        : this(options, logger, SealedResource.Read)
    {
    }

    internal PictureClassifier(PictureClassifierOptions? options, ILogger? logger, Func<string, byte[]> readResource)
    {
        _options = options ?? new PictureClassifierOptions();
        _logger = logger ?? NullLogger.Instance;
        _readResource = readResource;
        _model = new Lazy<LoadedModel>(Load);
    }

    /// <summary>Classifies a JPEG or PNG picture.</summary>
    /// <param name="image">The file.</param>
    /// <param name="cancellationToken">Stops the decoding.</param>
    /// <exception cref="UnsupportedImageException">Neither JPEG nor PNG, or a variant that cannot be decoded.</exception>
    /// <exception cref="ImageTooLargeException">Larger than the options allow.</exception>
    /// <exception cref="ImageFormatException">The picture is damaged or cut off.</exception>
    public PictureClassification Classify(ReadOnlyMemory<byte> image, CancellationToken cancellationToken = default) => Classify(Decode(image, cancellationToken));

    /// <summary>Classifies a decoded picture.</summary>
    public PictureClassification Classify(Bitmap picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        var (features, head) = _model.Value;
        Span<float> probabilities = stackalloc float[ClassCount];
        float[] buffer = ArrayPool<float>.Shared.Rent(features.FeatureCount);
        IReadOnlyList<LabelHint> hints;
        try
        {
            var numbers = buffer.AsSpan(0, features.FeatureCount);
            hints = features.Describe(picture, numbers, _options.MaxHints);
            head.Classify(numbers, probabilities);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }

        (string Label, double Confidence)[] ranking =
            [.. WasteLabels.All.Zip(probabilities.ToArray(), (label, probability) => (label, (double)probability)).OrderByDescending(seen => seen.Item2)];
        var best = ranking[0];
        return new PictureClassification(
            best.Label,
            best.Confidence,
            ranking[1..],
            best.Confidence < head.Threshold,
            hints,
            $"{features.Name}+{HeadVersion}");
    }

    /// <summary>
    /// How much a picture looks like any of some ImageNet labels to the network, which was not trained for the question: the sum of their probabilities,
    /// 0 to 1, not calibrated. Null without the network. Throws as <see cref="Classify(ReadOnlyMemory{byte}, CancellationToken)"/>.
    /// </summary>
    public double? Resemblance(ReadOnlyMemory<byte> image, IReadOnlySet<string> labels, CancellationToken cancellationToken = default) =>
        Look(image, labels, cancellationToken)?.Sum(hint => hint.Probability);

    /// <summary>Those of some ImageNet labels that the network sees in a picture, best first. Null without it. Throws as <see cref="Resemblance"/>.</summary>
    public IReadOnlyList<LabelHint>? Look(ReadOnlyMemory<byte> image, IReadOnlySet<string> labels, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(labels);
        var picture = Decode(image, cancellationToken);
        var features = _model.Value.Features;
        float[] buffer = ArrayPool<float>.Shared.Rent(features.FeatureCount);
        try
        {
            var hints = features.Describe(picture, buffer.AsSpan(0, features.FeatureCount), int.MaxValue);
            return hints.Count == 0 ? null : [.. hints.Where(hint => labels.Contains(hint.Label))];
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private Bitmap Decode(ReadOnlyMemory<byte> image, CancellationToken cancellationToken) => ImageDecoder.Decode(
        image,
        new DecodeOptions { MaxBytes = _options.MaxBytes, MaxPixels = _options.MaxPixels, TargetMinSide = _model.Value.Features.Side },
        cancellationToken);

    private LoadedModel Load()
    {
        if (_options.Features != PictureFeatures.Own)
        {
            try
            {
                return WithHead(new MobileNetModel(_readResource(MobileNetModel.WeightsResource)));
            }
            catch (InvalidDataException exception) when (_options.Features == PictureFeatures.Auto)
            {
                LogFallback(_logger, exception);
            }
        }

        return WithHead(new OwnFeatureModel());
    }

    private LoadedModel WithHead(FeatureModel features)
    {
        var head = SealedResource.Open(_readResource(features.HeadResource));
        return new LoadedModel(features, LinearHead.Parse(head, features.FeatureCount, ClassCount));
    }

    private sealed record LoadedModel(FeatureModel Features, LinearHead Head);

    [LoggerMessage(1902, LogLevel.Warning, "The network's weights cannot be used; pictures are classified by own features, less accurately")]
    private static partial void LogFallback(ILogger logger, Exception exception);
}
