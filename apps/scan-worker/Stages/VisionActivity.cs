using Dapr.Client;
using Dapr.Workflow;
using Imaging;
using Microsoft.Extensions.Options;
using ScanWorker.Vision;
using ScanWorker.Workflows;
using ServiceDefaults;

namespace ScanWorker.Stages;

/// <summary>Stage 1: what is in the picture. Reads the picture from our own store and never fetches a URL.</summary>
public sealed class VisionActivity(StageRunner stages, StageGates gates, WasteVision vision, DaprClient dapr, IOptions<ScanWorkerOptions> options)
    : WorkflowActivity<VisionActivity.Input, VisionResult>
{
    /// <summary>Input.</summary>
    public sealed record Input(StageAttempt Attempt, ScanInput Scan);

    public override Task<VisionResult> RunAsync(WorkflowActivityContext context, Input input) => stages.RunAsync(
        Stage.Vision, input.Attempt,
        async token =>
        {
            if (vision.StaysHere(input.Scan.Model))
            {
                return await gates.Pictures.RunAsync(
                    async () => await ClassifyAsync(input.Scan, await ReadPictureAsync(input.Scan, int.MaxValue, token), token), token);
            }

            var sent = await gates.Pictures.RunAsync(() => ReadPictureAsync(input.Scan, options.Value.MaxPictureBytesSent, token), token);
            return await ClassifyAsync(input.Scan, sent, token);
        });

    private Task<VisionResult> ClassifyAsync(ScanInput scan, (ReadOnlyMemory<byte> Bytes, string MediaType) picture, CancellationToken cancellationToken) =>
        vision.ClassifyAsync(picture.Bytes, picture.MediaType, scan.Question, cancellationToken);

    private async Task<(ReadOnlyMemory<byte> Bytes, string MediaType)> ReadPictureAsync(ScanInput scan, int maxBytes, CancellationToken cancellationToken)
    {
        var picture = await dapr.ReadObjectAsync(scan.ImageKey, cancellationToken);
        return Prepare(picture, maxBytes, options.Value.SentPictureMinSide, cancellationToken);
    }

    /// <summary>A file of more bytes than wanted is decoded at reduced size and sent as JPEG; any other is sent as it is.</summary>
    internal static (ReadOnlyMemory<byte> Bytes, string MediaType) Prepare(
        ReadOnlyMemory<byte> picture, int maxBytes, int minSide, CancellationToken cancellationToken)
    {
        var info = ImageDecoder.Identify(picture.Span);
        if (picture.Length <= maxBytes)
        {
            return (picture, info.MediaType);
        }

        var bitmap = ImageDecoder.Decode(picture, new DecodeOptions { TargetMinSide = minSide }, cancellationToken);
        return (JpegEncoder.Encode(bitmap), "image/jpeg");
    }
}
