using Imaging;
using RenderSamples;
using ScanClient;

namespace Platform.Tests;

/// <summary>The platform as it is cloned, with no model configured: a real photo, or a drawn one where the data set is missing.</summary>
public sealed class DefaultProviderTests
{
    [Fact]
    public async Task A_photo_is_classified_on_this_machine_and_the_answer_says_so()
    {
        var photo = Path.Combine(PlatformRun.Root, "..", "shared", "data", "trashnet", "glass", "glass1.jpg");
        var (picture, contentType, category) = File.Exists(photo)
            ? (await File.ReadAllBytesAsync(photo, TestContext.Current.CancellationToken), "image/jpeg", "유리병")
            : (PngEncoder.Encode(SamplePictures.Bottle()), "image/png", "플라스틱류");
        await using var run = await PlatformRun.StartWithoutModelServerAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        var user = await run.UserAsync(limit.Token);
        var image = await user.UploadAsync(picture, contentType, limit.Token);

        var stream = new JobStream(user);
        await stream.ReadToEndAsync(await user.SubmitAsync(image, "without a key", limit.Token), limit.Token);

        Assert.Empty(stream.Violations);
        Assert.Equal("completed", stream.Terminal);
        var result = stream.Events[^1].Data.GetProperty("result").GetProperty("pipeline_result");
        var seen = result.GetProperty("classification_result");
        Assert.Equal(category, seen.GetProperty("classification").GetProperty("middle_category").GetString());
        Assert.Equal("local", seen.GetProperty("meta").GetProperty("provider").GetString());
        Assert.Equal("mobilenet-v1-0.25+head-v1", seen.GetProperty("meta").GetProperty("model").GetString());
        var answer = result.GetProperty("final_answer");
        Assert.Equal("local", answer.GetProperty("provider").GetString());
        Assert.NotEmpty(answer.GetProperty("disposal_steps").EnumerateObject());
    }
}
