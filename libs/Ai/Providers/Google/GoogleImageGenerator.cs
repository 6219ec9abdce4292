using Microsoft.Extensions.AI;

namespace Ai.Providers.Google;

/// <summary>Pictures by POST {model}:generateContent with the response modality IMAGE, from text and reference pictures.</summary>
internal sealed class GoogleImageGenerator(GoogleApi api, string model) : IImageGenerator
{
    private readonly ImageGeneratorMetadata _metadata = new(api.Name, api.Address, model);

    public async Task<ImageGenerationResponse> GenerateAsync(
        ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Count > 1)
        {
            throw new ModelException(ModelFailure.CapabilityMissing, $"{model} draws one picture a request, not {options.Count}");
        }

        var answer = await api.PostAsync(
            model, "generateContent", GoogleRequests.Image(request, options),
            GoogleJson.Wire.GenerateContentRequest, GoogleJson.Wire.GenerateContentResponse, cancellationToken);
        var candidate = GoogleAnswers.CandidateOf(api.Name, answer) ?? throw api.Malformed("without a candidate");
        // What the model drew while it thought is not the answer.
        List<AIContent> pictures =
        [
            .. (candidate.Content?.Parts ?? []).Where(part => part.Thought is not true)
                .Select(part => part.InlineData).OfType<Blob>().Where(data => data.MimeType?.StartsWith("image/", StringComparison.Ordinal) == true)
                .Select(data => new DataContent(data.Data, data.MimeType!)),
        ];
        return pictures.Count > 0
            ? new ImageGenerationResponse(pictures) { Usage = GoogleAnswers.Usage(answer.UsageMetadata) }
            : throw GoogleFailures.Blocked(api.Name, candidate.FinishReason is null or "STOP" ? "NO_IMAGE" : candidate.FinishReason);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ImageGeneratorMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
