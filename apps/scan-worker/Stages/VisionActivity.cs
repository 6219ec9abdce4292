using Contracts;
using Dapr.Client;
using Dapr.Workflow;
using Imaging;
using Microsoft.Extensions.Options;
using ScanWorker.Vision;
using ScanWorker.Workflows;

namespace ScanWorker.Stages;

/// <summary>Stage 1: what is in the picture. Reads the picture from our own store and never fetches a URL.</summary>
public sealed class VisionActivity(StageRunner stages, WasteVision vision, DaprClient dapr, IOptions<ScanWorkerOptions> options)
    : WorkflowActivity<VisionActivity.Input, VisionResult>
{
    /// <summary>Input.</summary>
    public sealed record Input(StageAttempt Attempt, ScanInput Scan);

    public override Task<VisionResult> RunAsync(WorkflowActivityContext context, Input input) => stages.RunAsync(
        Stage.Vision, input.Attempt,
        async token =>
        {
            var picture = await ReadPictureAsync(input.Scan.ImageKey, token);
            var most = vision.StaysHere(input.Scan.Model) ? int.MaxValue : options.Value.MaxPictureBytesSent;
            var (bytes, mediaType) = Prepare(picture, most, options.Value.SentPictureMinSide, token);
            return await vision.ClassifyAsync(bytes, mediaType, input.Scan.UserInput, input.Scan.Model, token);
        });

    private async Task<ReadOnlyMemory<byte>> ReadPictureAsync(string key, CancellationToken cancellationToken)
    {
        var request = new BindingRequest(Components.Objects, "get") { Metadata = { ["fileName"] = key, ["key"] = key } };
        return (await dapr.InvokeBindingAsync(request, cancellationToken)).Data;
    }

    /// <summary>A file of more bytes than wanted is decoded at reduced size and sent as PNG; any other is sent as it is.</summary>
    internal static (ReadOnlyMemory<byte> Bytes, string MediaType) Prepare(
        ReadOnlyMemory<byte> picture, int maxBytes, int minSide, CancellationToken cancellationToken)
    {
        var info = ImageDecoder.Identify(picture.Span);
        if (picture.Length <= maxBytes)
        {
            return (picture, info.MediaType);
        }

        var bitmap = ImageDecoder.Decode(picture, new DecodeOptions { TargetMinSide = minSide }, cancellationToken);
        return (PngEncoder.Encode(bitmap), "image/png");
    }
}
