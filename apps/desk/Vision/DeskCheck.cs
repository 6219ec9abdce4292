using System.Security.Cryptography;
using System.Text.Json;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Prompts;
using Contracts;
using Dapr.Client;
using Desk.Generation;
using Desk.Photos;
using Imaging;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Vision;

/// <summary>The JSON of the answer; only the local provider says that it is unsure.</summary>
public sealed record DeskAnswer(bool IsDesk, double Confidence, bool Unsure = false);

/// <summary>As many pictures wait for their turn as may: another would only add its megabytes to them.</summary>
public sealed class DeskBusyException() : Exception("too many pictures are being judged; ask again in a moment");

/// <summary>Asks a model whether a photo shows a desk. The same bytes are asked about once a day: key <c>verdict:{sha256}</c>.</summary>
public sealed class DeskCheck
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "desk-check";

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    /// <summary>The prompt.</summary>
    public static readonly PromptUse SystemPrompt = new("desk-check.system");

    /// <summary>
    /// Models are sent no more than is needed: pixels of the shorter side that are kept. The local check looks at as many, and models that are asked for little detail see
    /// 512 of the longer side.
    /// </summary>
    internal const int SentMinSide = 320;

    /// <summary>Longest side that models are sent: a strip of 500 by 60,000 pixels has a short side that cannot be made smaller, and costs tokens for all of it.</summary>
    internal const int SentMaxSide = 2048;

    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"type":"object","additionalProperties":false,"required":["is_desk","confidence"],
         "properties":{"is_desk":{"type":"boolean"},"confidence":{"type":"number"}}}
        """).RootElement;

    private readonly IModels _models;
    private readonly DaprClient _dapr;
    private readonly DeskOptions _options;
    private readonly Prompt _system;
    private readonly CallScope _scope;
    private readonly DecodeLine _decoding;

    public DeskCheck(IModels models, PromptLibrary prompts, DaprClient dapr, DecodeLine decoding, IOptions<DeskOptions> options)
    {
        (_models, _dapr, _decoding, _options) = (models, dapr, decoding, options.Value);
        _system = prompts[SystemPrompt];
        _scope = new CallScope { Task = Task, Prompt = _system.Id };
    }

    /// <summary>
    /// Judges a JPEG or PNG photo. Throws <see cref="ModelException"/>, <see cref="ImageFormatException"/> for what is no picture that can be decoded, and
    /// <see cref="DeskBusyException"/> when too many wait.
    /// </summary>
    public Task<DeskVerdict> JudgeAsync(ReadOnlyMemory<byte> photo, string mediaType, string userId, CancellationToken cancellationToken) =>
        JudgeAsync(photo, mediaType, userId, step: null, cancellationToken);

    /// <summary>Judges what <see cref="Prepare(Bitmap)"/> made, in a step of a task, which waits as long as it takes.</summary>
    public Task<DeskVerdict> JudgeAsync(ReadOnlyMemory<byte> prepared, string userId, StepTime step) => JudgeAsync(prepared, "image/jpeg", userId, step, step.Token);

    private async Task<DeskVerdict> JudgeAsync(ReadOnlyMemory<byte> photo, string mediaType, string userId, StepTime? step, CancellationToken cancellationToken)
    {
        var model = _models.Choose(Task);
        var key = $"verdict:{model.Id}:{Convert.ToHexStringLower(SHA256.HashData(photo.Span))}";
        if (await _dapr.GetStateAsync<DeskVerdict?>(Components.StateStore, key, cancellationToken: cancellationToken) is { } known)
        {
            return known;
        }

        var verdict = model.Provider == LocalProvider.Name
            // The local check decodes by itself, so it stays in line as a whole.
            ? await _decoding.RunAsync(() => AskAsync(model, photo, mediaType, userId, cancellationToken), step, cancellationToken)
            : await AskAsync(
                model, step is not null ? photo : await _decoding.RunAsync(() => Prepare(photo, cancellationToken), cancellationToken), "image/jpeg", userId,
                cancellationToken);
        if (verdict.Provider != model.Provider)
        {
            // Another of the fallback chain has answered: the model that was asked for is asked again next time.
            return verdict;
        }

        await _dapr.SaveStateAsync(
            Components.StateStore, key, verdict, metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)_options.VerdictKept.TotalSeconds).ToString("D") },
            cancellationToken: cancellationToken);
        return verdict;
    }

    private async Task<DeskVerdict> AskAsync(ModelInfo model, ReadOnlyMemory<byte> photo, string mediaType, string userId, CancellationToken cancellationToken)
    {
        ChatMessage[] messages = [new(ChatRole.System, _system.Fill()), new(ChatRole.User, [new DataContent(photo, mediaType)])];
        var response = await _models.Chat(model).GetResponseAsync(messages, ChatTasks.Json(_scope with { User = userId }, "desk_check", Schema), cancellationToken);
        var answer = ModelJson.Read<DeskAnswer>(response.Text, TandemJson.Options, answer => answer.Confidence is >= 0 and <= 1 ? null : "has a confidence that is none");
        var served = Served.Of(response)!;
        // A model's confidence is in its answer, yes or no; a receiver wants to know how likely a desk is.
        var isLocal = served.Provider == LocalProvider.Name;
        var confidence = isLocal || answer.IsDesk ? answer.Confidence : 1 - answer.Confidence;
        return new DeskVerdict(
            isLocal ? answer.IsDesk : confidence >= _options.ModelThreshold, confidence, isLocal ? answer.Unsure : Math.Abs(confidence - _options.ModelThreshold) < 0.2,
            served.Provider, served.Model);
    }

    /// <summary>Small, upright and without what a camera writes into its files, such as the place.</summary>
    internal static ReadOnlyMemory<byte> Prepare(ReadOnlyMemory<byte> photo, CancellationToken cancellationToken) =>
        Prepare(ImageDecoder.Decode(photo, new DecodeOptions { TargetMinSide = SentMinSide }, cancellationToken));

    /// <summary>Of a photo that is decoded: small enough to be sent.</summary>
    public static byte[] Prepare(Bitmap picture)
    {
        var side = Math.Max(picture.Width, picture.Height);
        return JpegEncoder.Encode(side <= SentMaxSide ? picture : picture.Resize(
            Math.Max(1, (int)((long)picture.Width * SentMaxSide / side)), Math.Max(1, (int)((long)picture.Height * SentMaxSide / side))));
    }
}
