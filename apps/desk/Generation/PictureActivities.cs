using System.Drawing;
using Contracts;
using Contracts.Desk;
using Dapr.Client;
using Dapr.Workflow;
using Desk.Photos;
using Desk.Products;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>The picture is drawn and kept: the document <c>drawn:{task}</c>.</summary>
/// <param name="Model">Who drew it.</param>
public sealed record DrawnPicture(string Model);

/// <summary>What a model has drawn, until images has it: a drawn picture costs money, so images may be away without its being drawn again.</summary>
/// <param name="Jpeg">The file.</param>
internal sealed record DrawnFile(byte[] Jpeg)
{
    /// <summary>Key of the document.</summary>
    public static string Key(Guid taskId) => $"drawn:{taskId}";
}

/// <summary>Step 4: draws the new desk from the photo.</summary>
public sealed class DrawActivity(TaskSteps steps, IEnumerable<IDeskPainter> painters, DaprClient dapr, IOptions<GenerationOptions> options)
    : WorkflowActivity<DrawActivity.Input, StepOutcome<DrawnPicture>>
{
    /// <summary>Input.</summary>
    public sealed record Input(DeskRequested Task, StoredPhoto Photo, string Prompt);

    public override Task<StepOutcome<DrawnPicture>> RunAsync(WorkflowActivityContext context, Input input) => steps.RunAsync(
        DeskStep.Draw, input.Task,
        async time =>
        {
            var painter = painters.First(painter => painter.Version == input.Task.Version);
            var (jpeg, model) = await painter.PaintAsync(input, time);
            await dapr.SaveStateAsync(
                Components.StateStore, DrawnFile.Key(input.Task.TaskId), new DrawnFile(jpeg),
                metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)options.Value.ResultKept.TotalSeconds).ToString("D") }, cancellationToken: time.Token);
            return new DrawnPicture(model);
        });
}

/// <summary>The made picture where clients find it.</summary>
/// <param name="Key">In component objects.</param>
/// <param name="Url">For everybody who has it.</param>
public sealed record StoredPicture(string Key, Uri Url);

/// <summary>Step 5: hands the drawn picture to images, which gives it an address.</summary>
public sealed class UploadActivity(TaskSteps steps, ImagesClient images, DaprClient dapr) : WorkflowActivity<DeskRequested, StepOutcome<StoredPicture>>
{
    private static readonly Guid Made = new("7c1c1f0e-3b37-5d60-8a2c-9f9e6a1e4d02");

    public override Task<StepOutcome<StoredPicture>> RunAsync(WorkflowActivityContext context, DeskRequested input) => steps.RunAsync(
        DeskStep.Upload, input,
        async time =>
        {
            var drawn = await dapr.GetStateAsync<DrawnFile?>(Components.StateStore, DrawnFile.Key(input.TaskId), cancellationToken: time.Token)
                ?? throw new StepRefusedException("PICTURE_LOST", "the drawn picture is gone");
            var stored = await images.StoreAsync(Uuid5.Create(Made, $"{input.TaskId}"), input.UserId, drawn.Jpeg, "image/jpeg", time.Token)
                ?? throw new StepRefusedException("USER_NOT_FOUND", "there is no such account (any more)");
            return new StoredPicture(stored.Key, stored.CdnUrl);
        });
}

/// <summary>Products by keyword.</summary>
public sealed record FoundProducts(IReadOnlyList<KeywordProducts> Products);

/// <summary>Step 6: finds products for the keywords. A search that fails means fewer products, never a failed task.</summary>
public sealed class SearchActivity(TaskSteps steps, ProductFinder finder) : WorkflowActivity<SearchActivity.Input, StepOutcome<FoundProducts>>
{
    /// <summary>Input.</summary>
    public sealed record Input(DeskRequested Task, IReadOnlyList<string> Keywords);

    public override Task<StepOutcome<FoundProducts>> RunAsync(WorkflowActivityContext context, Input input) => steps.RunAsync(
        DeskStep.Search, input.Task,
        async time => new FoundProducts(await finder.FindAsync(input.Task.TaskId, input.Keywords, time.Token)));
}

/// <summary>Where things stand, by keyword; what was not found is not in it.</summary>
public sealed record FoundCentres(IReadOnlyDictionary<string, Point> Centres);

/// <summary>Step 7, beside 6: where the things stand in the made picture. One that cannot be told means no centre, never a failed task.</summary>
public sealed class LocateActivity(TaskSteps steps, ThingLocator locator, DaprClient dapr) : WorkflowActivity<LocateActivity.Input, StepOutcome<FoundCentres>>
{
    /// <summary>Input.</summary>
    public sealed record Input(DeskRequested Task, string PictureKey, IReadOnlyList<PlanItem> Items);

    public override Task<StepOutcome<FoundCentres>> RunAsync(WorkflowActivityContext context, Input input) => steps.RunAsync(
        DeskStep.Locate, input.Task,
        async time => new FoundCentres(!locator.CanLocate ? new Dictionary<string, Point>() : await locator.LocateAsync(
            await dapr.ReadObjectAsync(input.PictureKey, time.Token), input.Items, input.Task.UserId, time.Token)));
}
