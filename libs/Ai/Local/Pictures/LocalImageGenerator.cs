using System.Drawing;
using Imaging;
using Microsoft.Extensions.AI;
using Bitmap = Imaging.Bitmap;

namespace Ai.Local.Pictures;

/// <summary>Pictures of the local provider: composed (<see cref="ComposedPicture"/>), PNG or JPEG, and marked as such within the file.</summary>
internal sealed class LocalImageGenerator(LocalOptions local, ImageGeneratorMetadata metadata) : IImageGenerator
{
    private const string Png = "image/png";
    private const string Jpeg = "image/jpeg";
    private const string Software = "Tandem";
    private const string Comment = "composed without an image model";
    private const int MinSide = 16;
    private static readonly Size DefaultSize = new(1024, 1024);

    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var size = options?.ImageSize ?? DefaultSize;
        var count = options?.Count ?? 1;
        Check(
            Math.Min(size.Width, size.Height) >= MinSide && Math.Max(size.Width, size.Height) <= local.MaxPictureSide, ModelFailure.BadRequest,
            $"the local provider makes pictures with sides of {MinSide} to {local.MaxPictureSide} pixels; {size.Width} x {size.Height} were asked for");
        Check(count >= 1 && count <= local.MaxPictures, ModelFailure.BadRequest, $"the local provider makes 1 to {local.MaxPictures} pictures at a time; {count} were asked for");
        Check(options?.MediaType is null or Png or Jpeg, ModelFailure.CapabilityMissing, $"the local provider makes {Png} and {Jpeg} only");
        Check(
            options?.ResponseFormat is null or ImageGenerationResponseFormat.Data, ModelFailure.CapabilityMissing, "the local provider gives pictures as data, not as an address");

        // Off the caller's thread: a picture takes some tens of milliseconds of computing.
        return await Task.Run(
            () =>
            {
                var references = References(request, cancellationToken);
                return new ImageGenerationResponse([.. Enumerable.Range(0, count).Select(index => Picture(request.Prompt ?? "", references, size, index, options?.MediaType ?? Png, cancellationToken))]);
            },
            cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ImageGeneratorMetadata) ? metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static DataContent Picture(string prompt, IReadOnlyList<Bitmap> references, Size size, int index, string mediaType, CancellationToken cancellationToken)
    {
        var picture = ComposedPicture.Compose(prompt, references, size.Width, size.Height, index, cancellationToken);
        var file = mediaType == Jpeg
            ? JpegEncoder.Encode(picture, comment: $"provider={LocalProvider.Name}; {Software}; {Comment}")
            : PngEncoder.Encode(picture, texts: [("provider", LocalProvider.Name), (nameof(Software), Software), (nameof(Comment), Comment)]);
        return new DataContent(file, mediaType) { AdditionalProperties = new() { ["provider"] = LocalProvider.Name } };
    }

    private Bitmap[] References(ImageGenerationRequest request, CancellationToken cancellationToken)
    {
        AIContent[] originals = [.. request.OriginalImages ?? []];
        Check(
            originals.Length <= local.MaxReferencePictures, ModelFailure.BadRequest,
            $"the local provider takes up to {local.MaxReferencePictures} reference pictures; there are {originals.Length}");
        return [.. originals.Select(original =>
        {
            if (original is not DataContent data || !data.HasTopLevelMediaType("image"))
            {
                throw new ModelException(ModelFailure.CapabilityMissing, "the local provider takes pictures as references, and as data only");
            }

            try
            {
                return ImageDecoder.Decode(data.Data, new DecodeOptions { TargetMinSide = local.MaxPictureSide }, cancellationToken);
            }
            catch (ImageFormatException exception)
            {
                throw new ModelException(ModelFailure.BadRequest, $"a reference picture cannot be read: {exception.Message}", exception);
            }
        })];
    }

    private static void Check(bool right, ModelFailure failure, string sentence)
    {
        if (!right)
        {
            throw new ModelException(failure, sentence);
        }
    }
}
