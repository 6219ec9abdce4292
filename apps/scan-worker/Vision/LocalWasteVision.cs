using System.Globalization;
using System.Text.Json;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Text;
using Ai.Local.Vision;
using Microsoft.Extensions.AI;
using ScanWorker.Answers;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ServiceDefaults;

namespace ScanWorker.Vision;

/// <summary>
/// The local provider's classification: the label of the embedded classifier, placed in the class tree. It tells material
/// apart and nothing else, so it gives no situation tags; below its threshold it says so and asks back.
/// </summary>
public sealed class LocalWasteVision(PictureClassifier classifier) : ILocalSkill
{
    private const string KoreanQuestion = "확실하지 않아요. 어떤 재질인지, 어디에 쓰던 물건인지 알려 주시겠어요?";
    private const string EnglishQuestion = "I am not sure. Could you tell me what it is made of and what it was used for?";

    /// <summary>
    /// ImageNet's labels only refine what the head has decided, and only when they are fairly sure: "carton", say, is a box as often as
    /// a milk carton.
    /// </summary>
    private const double MinHintProbability = 0.2;

    public string Task => WasteVision.Task;

    public ModelCapabilities Capabilities => ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var picture = messages.SelectMany(message => message.Contents).OfType<DataContent>().First();
        var seen = classifier.Classify(picture.Data, cancellationToken);
        string[] hints = [.. seen.Hints.Select(hint => string.Create(CultureInfo.InvariantCulture, $"{hint.Label} {hint.Probability:P0}"))];
        var answer = seen.Unsure
            ? new VisionAnswer(
                new Classification(Taxonomy.Unclassified, Taxonomy.Unclassified, null), [SituationTags.UnclassifiedMinor],
                Math.Round(seen.Confidence, 3), new RunnerUp(Place(seen.Label, null).MiddleCategory, Math.Round(seen.Confidence, 3)),
                TextLanguage.IsKorean(LocalDisposalAnswer.QuestionOf(messages)) ? KoreanQuestion : EnglishQuestion, Unsure: true, hints, seen.Model)
            : Sure(seen, hints);
        return System.Threading.Tasks.Task.FromResult(JsonSerializer.Serialize(answer, TandemJson.Options));
    }

    private static VisionAnswer Sure(PictureClassification seen, string[] hints)
    {
        var place = Place(seen.Label, seen.Hints is [{ Probability: >= MinHintProbability } hint, ..] ? hint.Label : null);
        return new VisionAnswer(
            place, [], Math.Round(seen.Confidence, 3), Runner(place.MiddleCategory, seen.Others), null, Unsure: false, hints, seen.Model);
    }

    /// <summary>The best of the other labels whose category is another one: paper and cardboard, say, are one category.</summary>
    internal static RunnerUp Runner(string winner, IReadOnlyList<(string Label, double Confidence)> others) => others
        .Select(other => new RunnerUp(Place(other.Label, null).MiddleCategory, Math.Round(other.Confidence, 3)))
        .First(other => other.Category != winner);

    /// <summary>Label of the head, refined by the strongest ImageNet label, to the class tree.</summary>
    internal static Classification Place(string label, string? hint) => (label, hint) switch
    {
        ("plastic", "water_bottle") => Recyclable("무색페트병", "먹는샘물PET병"),
        ("plastic", "pop_bottle") => Recyclable("무색페트병", "음료PET병"),
        ("plastic", "plastic_bag") => Recyclable("비닐류", "일회용비닐봉투"),
        ("plastic", _) => Recyclable("플라스틱류", null),
        ("paper" or "cardboard", "carton") => Recyclable("종이팩", null),
        ("cardboard", _) => Recyclable("종이", "골판지류"),
        ("paper", _) => Recyclable("종이", null),
        ("glass", _) => Recyclable("유리병", null),
        ("metal", _) => Recyclable("금속류", null),
        ("trash", _) => new Classification("일반종량제폐기물", "일반종량제폐기물", null),
        _ => new Classification(Taxonomy.Unclassified, Taxonomy.Unclassified, null),
    };

    private static Classification Recyclable(string middle, string? minor) => new(Taxonomy.Recyclables, middle, minor);
}
