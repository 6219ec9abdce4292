using System.Drawing;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Dapr.Client;
using Desk.Photos;
using Imaging;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>Draws a new desk from a photo.</summary>
public interface IDeskPainter
{
    /// <summary>Version of the API whose tasks it draws.</summary>
    int Version { get; }

    /// <summary>
    /// The picture as a JPEG, a square of <see cref="GenerationOptions.Side"/>, and who drew it. Throws <see cref="ModelException"/>,
    /// <see cref="StepRefusedException"/> or <see cref="StepFailedException"/>.
    /// </summary>
    Task<(byte[] Jpeg, string Model)> PaintAsync(DrawActivity.Input input, StepTime time);
}

/// <summary>The image model of the platform. The local one composes a picture around the photo and draws nothing.</summary>
public sealed class ModelPainter(IModels models, DrawnPictures drawn, DaprClient dapr, IOptions<GenerationOptions> options) : IDeskPainter
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "desk-image";

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Images | ModelCapabilities.ImageEdits;

    public int Version => 1;

    public async Task<(byte[] Jpeg, string Model)> PaintAsync(DrawActivity.Input input, StepTime time)
    {
        var photo = await dapr.ReadObjectAsync(input.Photo.Key, time.Token);
        var request = new ImageGenerationRequest(input.Prompt, [new DataContent(photo, "image/jpeg")]);
        var scope = new CallScope { Task = Task, User = input.Task.UserId };
        var wish = new ImageGenerationOptions
        {
            ImageSize = new Size(options.Value.Side, options.Value.Side),
            // Far fewer bytes than a PNG, of the quality in which it is kept; models that know no formats draw what they draw.
            MediaType = "image/jpeg",
            AdditionalProperties = new() { [CallScope.Key] = scope, ["output_compression"] = $"{PhotoFrame.Quality}" },
        };
        var model = models.Choose(Task);
        var response = await models.Images(model).GenerateAsync(request, wish, time.Token);
        var served = Served.Of(response)!;
        if (served.Provider == LocalProvider.Name && model.Provider != LocalProvider.Name)
        {
            // The last of the fallback chain draws nothing: whoever was promised a new desk waits for another attempt, or hears that there is none.
            throw new ModelException(ModelFailure.ServerError, $"model {model.Id} does not answer");
        }

        var picture = response.Contents.OfType<DataContent>().FirstOrDefault() ?? throw new ModelException(ModelFailure.Malformed, "the model server's answer has no picture");
        return (await drawn.ReadAsync(picture.Data, time), served.Model);
    }
}

/// <summary>What models draw, in the form that is kept.</summary>
public sealed class DrawnPictures(DecodeLine decoding, IOptions<GenerationOptions> options)
{
    /// <summary>The picture as a square JPEG. Throws <see cref="ModelException"/> for what is no JPEG or PNG.</summary>
    public async Task<byte[]> ReadAsync(ReadOnlyMemory<byte> picture, StepTime time)
    {
        try
        {
            return await decoding.RunAsync(() => JpegEncoder.Encode(PhotoFrame.Fit(picture, options.Value.Side, time.Token).Square, PhotoFrame.Quality), time);
        }
        catch (ImageFormatException unreadable)
        {
            throw new ModelException(ModelFailure.Malformed, $"the model's picture cannot be read: {unreadable.Message}", unreadable);
        }
    }
}
