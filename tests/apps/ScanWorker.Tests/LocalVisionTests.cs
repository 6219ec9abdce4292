using Ai;
using Ai.Prompts;
using Imaging;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using RenderSamples;
using ScanWorker.Answers;
using ScanWorker.Knowledge;
using ScanWorker.Rewards;
using ScanWorker.Stages;
using ScanWorker.Vision;

namespace ScanWorker.Tests;

/// <summary>The default provider as scan-worker wires it: embedded weights, the call policy, the check of its answer.</summary>
public sealed class LocalVisionTests : IDisposable
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Knowledge");
    private static readonly PromptLibrary Prompts = PromptTests.Library;
    private static readonly Taxonomy Tree = Taxonomy.Load(Folder);

    private readonly ServiceProvider _services = new ServiceCollection()
        .AddLogging()
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
        .AddModels()
        .AddPictureClassifier()
        .AddLocalSkill<LocalWasteVision>()
        .AddLocalSkill<LocalDisposalAnswer>()
        .BuildServiceProvider();

    public void Dispose() => _services.Dispose();

    private Task<VisionResult> ClassifyAsync(Bitmap picture, string question = "?") =>
        new WasteVision(_services.GetRequiredService<IModels>(), Tree, SituationTags.Load(Folder), Prompts)
            .ClassifyAsync(PngEncoder.Encode(picture), "image/png", new Question(question), TestContext.Current.CancellationToken);

    [Fact]
    public async Task A_picture_that_is_known_gets_its_place_and_says_who_spoke()
    {
        var result = await ClassifyAsync(SamplePictures.Bottle());

        Assert.Equal(("재활용폐기물", "플라스틱류"), (result.Classification.MajorCategory, result.Classification.MiddleCategory));
        Assert.Empty(result.SituationTags);
        Assert.Equal(("local", "mobilenet-v1-0.25+head-v1"), (result.Meta.Provider, result.Meta.Model));
        Assert.InRange(result.Meta.Confidence!.Value, 0.7, 1);
        Assert.InRange(result.Meta.RunnerUp!.Confidence, 0, 1 - result.Meta.Confidence.Value);
        Assert.Contains(Tree.Categories.SelectMany(category => category.Groups), group => group.Middle == result.Meta.RunnerUp.Category);
        Assert.False(result.Meta.Unsure);
        Assert.Null(result.Meta.Question);
        Assert.Matches("^water_bottle [0-9]+ %$", result.Meta.Hints[0]);
    }

    [Theory]
    [InlineData("이거 어떻게 버려요?", "확실하지 않아요", "규정을 찾지 못했어요")]
    [InlineData("How do I dispose of this waste?", "I am not sure", "there is no disposal rule")]
    public async Task A_picture_that_is_not_is_unclassified_with_a_question_and_earns_nothing(string userInput, string asked, string told)
    {
        var grey = new Bitmap(300, 300);
        grey.Pixels.Fill(128);

        var result = await ClassifyAsync(grey, userInput);

        Assert.Equal(new Classification(Taxonomy.Unclassified, Taxonomy.Unclassified, null), result.Classification);
        Assert.Equal([SituationTags.UnclassifiedMinor], result.SituationTags);
        Assert.True(result.Meta.Unsure);
        Assert.StartsWith(asked, result.Meta.Question);
        Assert.Equal(result.Meta.Confidence, result.Meta.RunnerUp!.Confidence);
        var noRule = new RuleResult(false, null, null, null);
        var answer = await new DisposalAnswer(_services.GetRequiredService<IModels>(), Prompts)
            .ComposeAsync(result, noRule, new Question(userInput), 10, TestContext.Current.CancellationToken);
        Assert.Contains(told, answer.UserAnswer);
        Assert.EndsWith(result.Meta.Question!, answer.UserAnswer);
        Assert.NotNull(RewardRule.Refusal(result, noRule, answer, enabled: true));
    }

    [Fact]
    public void The_runner_up_is_another_category_than_the_winner()
    {
        (string, double)[] others = [("paper", 0.3), ("cardboard", 0.2), ("glass", 0.1)];

        Assert.Equal(new RunnerUp("종이", 0.3), LocalWasteVision.Runner("유리병", others));
        Assert.Equal(new RunnerUp("유리병", 0.1), LocalWasteVision.Runner("종이", others));
    }

    [Theory]
    [InlineData("종이", "로")]
    [InlineData("유리병", "으로")]
    [InlineData("고철", "로")]
    [InlineData("발포합성수지(스티로폼)", "로")]
    [InlineData("CD", "(으)로")]
    [InlineData("", "(으)로")]
    public void The_particle_fits_the_last_syllable(string word, string particle) => Assert.Equal(particle, LocalDisposalAnswer.Particle(word));

    [Fact]
    public void A_picture_is_made_smaller_only_for_a_model_elsewhere()
    {
        var file = PngEncoder.Encode(new Bitmap(800, 1000), System.IO.Compression.CompressionLevel.NoCompression);
        var token = TestContext.Current.CancellationToken;

        Assert.True(new WasteVision(_services.GetRequiredService<IModels>(), Tree, SituationTags.Load(Folder), Prompts).StaysHere(null));
        Assert.Equal(file, VisionActivity.Prepare(file, int.MaxValue, 100, token).Bytes);
        var (bytes, mediaType) = VisionActivity.Prepare(file, file.Length - 1, 100, token);
        Assert.Equal((100, 125, "image/jpeg"), (ImageDecoder.Identify(bytes.Span).Width, ImageDecoder.Identify(bytes.Span).Height, mediaType));
        Assert.ThrowsAny<OperationCanceledException>(() => VisionActivity.Prepare(file, file.Length - 1, 100, new CancellationToken(canceled: true)));
    }
}
