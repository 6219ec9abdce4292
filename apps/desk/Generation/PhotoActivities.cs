using Contracts;
using Contracts.Desk;
using Dapr.Client;
using Dapr.Workflow;
using Desk.Photos;
using Desk.Vision;
using Imaging;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>Our copy of a photo: a square JPEG.</summary>
/// <param name="Key">In component objects.</param>
/// <param name="Url">For people.</param>
/// <param name="Place">Where the photo lies in the square.</param>
public sealed record StoredPhoto(string Key, Uri Url, PhotoPlace Place);

/// <summary>What the steps on the photo start from.</summary>
public sealed record PhotoInput(DeskRequested Task, StoredPhoto Photo);

/// <summary>Places for photos on their way, see <see cref="GenerationOptions.DownloadConcurrency"/>.</summary>
public sealed class DownloadPlaces(IOptions<GenerationOptions> options) : SemaphoreSlim(options.Value.DownloadConcurrency);

/// <summary>Step 1: fetches the photo, fits it and stores our copy, from which every other step works: the address may be gone tomorrow.</summary>
public sealed class DownloadActivity(
    TaskSteps steps, PhotoSource photos, ImagesClient images, DecodeLine decoding, DownloadPlaces places, IOptions<GenerationOptions> options)
    : WorkflowActivity<DeskRequested, StepOutcome<StoredPhoto>>
{
    private static readonly Guid Copies = new("4a4cf4b1-94d2-5b35-a0c5-6c3b2b7f52a8");

    public override Task<StepOutcome<StoredPhoto>> RunAsync(WorkflowActivityContext context, DeskRequested input) => steps.RunAsync(
        DeskStep.Download, input,
        async time =>
        {
            var (jpeg, place) = await FetchAsync(input, time);
            var stored = await images.StoreAsync(Uuid5.Create(Copies, $"{input.TaskId}"), input.UserId, jpeg, "image/jpeg", time.Token)
                ?? throw new StepRefusedException("USER_NOT_FOUND", "there is no such account (any more)");
            return new StoredPhoto(stored.Key, stored.CdnUrl, place);
        });

    private async Task<(byte[] Jpeg, PhotoPlace Place)> FetchAsync(DeskRequested input, StepTime time)
    {
        await time.WaitAsync(places.WaitAsync);
        try
        {
            var fetched = await photos.GetAsync(input.InitialImageUrl, input.UserId, time.Token);
            if (fetched.Content is not { } content)
            {
                var (_, code, detail) = fetched.Failure!;
                // The host may answer the next time; its refusals and ours stay what they are.
                throw code is "FETCH_UNREACHABLE" or "FETCH_TIMEOUT" or "FETCH_BROKEN"
                    ? new StepFailedException(code, detail, new HttpRequestException(detail)) : new StepRefusedException(code, detail);
            }

            return await decoding.RunAsync(
                () =>
                {
                    var (square, place) = PhotoFrame.Fit(content.Bytes, options.Value.Side, time.Token);
                    return (JpegEncoder.Encode(square, PhotoFrame.Quality), place);
                },
                time);
        }
        finally
        {
            places.Release();
        }
    }
}

/// <summary>The photo shows a desk: every other verdict is an error.</summary>
public sealed record JudgedPhoto(double Confidence, string Model);

/// <summary>Step 2: whether the photo shows a desk. Left out when the request says that somebody has looked.</summary>
public sealed class JudgeActivity(TaskSteps steps, DeskCheck check, DecodeLine decoding, DaprClient dapr) : WorkflowActivity<PhotoInput, StepOutcome<JudgedPhoto>>
{
    /// <summary>Code of a photo that shows none.</summary>
    public const string NotADesk = "NOT_A_DESK";

    public override Task<StepOutcome<JudgedPhoto>> RunAsync(WorkflowActivityContext context, PhotoInput input) => steps.RunAsync(
        DeskStep.Classify, input.Task,
        async time =>
        {
            var copy = await dapr.ReadObjectAsync(input.Photo.Key, time.Token);
            // The photo alone: what surrounds it in the square is ours.
            var photo = await decoding.RunAsync(
                () => DeskCheck.Prepare(PhotoFrame.Cut(copy, input.Photo.Place, DeskCheck.SentMinSide, time.Token)), time);
            var verdict = await check.JudgeAsync(photo, input.Task.UserId, time);
            return verdict.IsDesk
                ? new JudgedPhoto(verdict.Confidence, verdict.Model)
                : throw new StepRefusedException(NotADesk, "the photo does not show a desk");
        });
}

/// <summary>Step 3: what the photo shows, how the new desk is to look, and which things go with it.</summary>
public sealed class PlanActivity(TaskSteps steps, RestylePlanner planner, DaprClient dapr) : WorkflowActivity<PhotoInput, StepOutcome<RestylePlan>>
{
    public override Task<StepOutcome<RestylePlan>> RunAsync(WorkflowActivityContext context, PhotoInput input) => steps.RunAsync(
        DeskStep.Prompt, input.Task,
        async time => await planner.PlanAsync(
            await dapr.ReadObjectAsync(input.Photo.Key, time.Token), input.Task.Concept, input.Task.Categories, input.Task.UserId, time.Token));
}
