using System.ClientModel;
using System.Drawing;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Images;
using ImageGenerationOptions = Microsoft.Extensions.AI.ImageGenerationOptions;

namespace Ai.Providers.OpenAi;

/// <summary>
/// <c>POST /images/generations</c>, and with reference pictures <c>/images/edits</c> as multipart. Default: one picture of 1024 x 1024 in medium quality; the
/// additional property <c>quality</c> says <c>low</c>, <c>high</c> or <c>auto</c>.
/// </summary>
internal sealed class OpenAiImages(ProviderConnection connection, string model, ImageClient client) : IImageGenerator
{
    private readonly ImageGeneratorMetadata _metadata = new(connection.Name, connection.Options.BaseUrl, model);

    /// <summary>The gpt-image models always answer with the picture itself, draw three sizes and have qualities; others are told what they may not know.</summary>
    private readonly bool _isGptImage = model.Contains("gpt-image", StringComparison.OrdinalIgnoreCase);

    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var references = (request.OriginalImages ?? []).Select(content => content is DataContent picture && picture.HasTopLevelMediaType("image")
            ? picture
            : throw new ModelException(ModelFailure.CapabilityMissing, $"content of type {content.GetType().Name} is no reference picture")).ToArray();
        var fields = Fields(request, options);
        var answer = references.Length == 0
            ? await GenerateAsync(fields, cancellationToken)
            : await EditAsync(fields, references, cancellationToken);
        return OpenAiErrors.Reading(answer, cancellationToken, Read);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ImageGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private async Task<ClientResult> GenerateAsync(List<(string Name, string Value)> fields, CancellationToken cancellationToken)
    {
        using var content = OpenAiBody.Json(writer =>
        {
            foreach (var (name, value) in fields)
            {
                writer.WritePropertyName(name);
                if (name == CountField)
                {
                    writer.WriteRawValue(value);
                }
                else
                {
                    writer.WriteStringValue(value);
                }
            }
        });
        return await client.GenerateImagesAsync(content, OpenAiBody.Options(cancellationToken));
    }

    private async Task<ClientResult> EditAsync(List<(string Name, string Value)> fields, DataContent[] references, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields)
        {
            form.Add(new StringContent(value), name);
        }

        for (var place = 0; place < references.Length; place++)
        {
            var picture = new ReadOnlyMemoryContent(references[place].Data);
            picture.Headers.ContentType = new MediaTypeHeaderValue(references[place].MediaType);
            form.Add(picture, "image[]", $"{place + 1}.{references[place].MediaType["image/".Length..]}");
        }

        using var content = BinaryContent.Create(await form.ReadAsStreamAsync(cancellationToken));
        return await client.GenerateImageEditsAsync(content, form.Headers.ContentType!.ToString(), OpenAiBody.Options(cancellationToken));
    }

    private const string CountField = "n";

    private List<(string Name, string Value)> Fields(ImageGenerationRequest request, ImageGenerationOptions? options)
    {
        List<(string, string)> fields = [("model", model), ("prompt", request.Prompt ?? ""), (CountField, $"{options?.Count ?? 1}"), ("size", SizeOf(options?.ImageSize))];
        if (_isGptImage)
        {
            fields.Add(("quality", options?.AdditionalProperties?.GetValueOrDefault("quality") as string ?? "medium"));
            if (options?.MediaType is { } type && type.StartsWith("image/", StringComparison.Ordinal))
            {
                fields.Add(("output_format", type["image/".Length..]));
                if (options.AdditionalProperties?.GetValueOrDefault("output_compression") is string quality && type is not "image/png")
                {
                    fields.Add(("output_compression", quality));
                }
            }
        }
        else
        {
            fields.Add(("response_format", "b64_json"));
        }

        return fields;
    }

    /// <summary>What gpt-image cannot draw is asked for in the nearest shape; the caller scales it.</summary>
    private string SizeOf(Size? wanted)
    {
        var size = wanted ?? new Size(1024, 1024);
        return !_isGptImage ? $"{size.Width}x{size.Height}"
            : size.Width > size.Height ? "1536x1024"
            : size.Width < size.Height ? "1024x1536"
            : "1024x1024";
    }

    private static ImageGenerationResponse Read(ReadOnlySpan<byte> body)
    {
        var answer = JsonSerializer.Deserialize(body, OpenAiJson.Default.WireImages);
        if (answer?.Error is { } error)
        {
            throw OpenAiErrors.InAnswer(error);
        }

        if (answer?.Data is not { Length: > 0 } data || data.Any(picture => picture.B64Json is null))
        {
            throw new ModelException(ModelFailure.Malformed, "the model server's answer has no picture");
        }

        var type = $"image/{answer.OutputFormat ?? "png"}";
        return new ImageGenerationResponse([.. data.Select(picture => Content(picture, type))]) { Usage = answer.Usage?.ToUsage() };
    }

    private static DataContent Content(WireImage picture, string type)
    {
        var content = new DataContent(Convert.FromBase64String(picture.B64Json!), type);
        if (picture.RevisedPrompt is { } prompt)
        {
            content.AdditionalProperties = new() { ["revised_prompt"] = prompt };
        }

        return content;
    }
}
