using System.Net.Http.Json;
using System.Text.Json;
using Desk.Photos;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.GuardedFetch;

namespace Desk.Generation;

/// <summary>
/// A model server of one's own: <c>POST {endpoint}/infer</c> with <c>{image_url, prompt, concept, seed}</c>, which answers
/// <c>{image_b64 or image_url, model, elapsed_ms}</c>. The seed follows from the task, so that a second attempt draws the same.
/// </summary>
public sealed class CustomPainter(HttpClient http, GuardedFetchClient pictures, DrawnPictures drawn, IOptions<GenerationOptions> options) : IDeskPainter
{
    private const int MaxAnswerBytes = 32 * 1024 * 1024;

    public int Version => 2;

    public async Task<(byte[] Jpeg, string Model)> PaintAsync(DrawActivity.Input input, StepTime time)
    {
        var endpoint = options.Value.CustomModelEndpoint ?? throw new StepRefusedException("NOT_IMPLEMENTED", "there is no custom model server");
        var answer = await InferAsync(endpoint, input, time.Token);
        var model = $"custom/{answer.Model ?? "model"}";
        if (answer.ImageB64 is { Length: > 0 } text)
        {
            try
            {
                return (await drawn.ReadAsync(Convert.FromBase64String(text), time), model);
            }
            catch (FormatException wrong)
            {
                throw Failed("its picture is not base64", wrong);
            }
        }

        var fetched = await pictures.GetAsync(answer.ImageUrl ?? "", time.Token);
        return fetched.Content is { } content
            ? (await drawn.ReadAsync(content.Bytes, time), model)
            : throw Failed($"its picture cannot be fetched: {fetched.Failure!.Code}", new HttpRequestException(fetched.Failure.Detail));
    }

    private async Task<Answer> InferAsync(Uri endpoint, DrawActivity.Input input, CancellationToken cancellationToken)
    {
        var seed = BitConverter.ToUInt32(input.Task.TaskId.ToByteArray()) & int.MaxValue;
        var request = new Request(input.Photo.Url, input.Prompt, input.Task.Concept, seed);
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Post, new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/infer"))
            {
                Content = JsonContent.Create(request, options: TandemJson.Options),
            };
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if ((int)response.StatusCode is >= 400 and < 500 and not (408 or 425 or 429))
            {
                throw new StepRefusedException("CUSTOM_MODEL_REFUSED", $"the model server answered {(int)response.StatusCode}");
            }

            response.EnsureSuccessStatusCode();
            await response.Content.LoadIntoBufferAsync(MaxAnswerBytes, cancellationToken);
            return await response.Content.ReadFromJsonAsync<Answer>(TandemJson.Options, cancellationToken) ?? throw new JsonException("empty");
        }
        catch (Exception failure) when (failure is HttpRequestException or JsonException)
        {
            throw Failed(failure is JsonException ? "its answer is no JSON of the right shape" : "it does not answer", failure);
        }
    }

    private static StepFailedException Failed(string why, Exception inner) => new("CUSTOM_MODEL_UNAVAILABLE", $"the model server cannot be used: {why}", inner);

    private sealed record Request(Uri ImageUrl, string Prompt, string Concept, uint Seed);

    private sealed record Answer(string? ImageB64 = null, string? ImageUrl = null, string? Model = null, long? ElapsedMs = null);
}
