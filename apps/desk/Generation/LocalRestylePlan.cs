using System.Text.Json;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Vision;
using Microsoft.Extensions.AI;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>
/// The local provider's plan: accessories for the desk things that the embedded network sees, filled up from the default plan. It understands no wishes and
/// says so by its caption, which names only what was seen.
/// </summary>
public sealed class LocalRestylePlan(PictureClassifier classifier) : ILocalSkill
{
    private const double MinProbability = 0.03;
    private const int Items = 5;

    private static readonly Dictionary<string, PlanItem> Accessories = new(StringComparer.Ordinal)
    {
        ["computer_keyboard"] = new("무선 키보드", "keyboard"),
        ["space_bar"] = new("무선 키보드", "keyboard"),
        ["desk"] = new("책상 정리함", "desk organizer"),
        ["file"] = new("책상 정리함", "desk organizer"),
        ["desktop_computer"] = new("모니터 받침대", "monitor stand"),
        ["monitor"] = new("모니터 받침대", "monitor stand"),
        ["screen"] = new("모니터 받침대", "monitor stand"),
        ["laptop"] = new("노트북 거치대", "laptop stand"),
        ["notebook"] = new("노트북 거치대", "laptop stand"),
        ["mouse"] = new("무선 마우스", "wireless mouse"),
        ["printer"] = new("프린터 선반", "printer shelf"),
    };

    public string Task => RestylePlanner.Task;

    public ModelCapabilities Capabilities => ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var picture = messages.SelectMany(message => message.Contents).OfType<DataContent>().First();
        var seen = (classifier.Look(picture.Data, DeskLabels.All, cancellationToken) ?? []).Where(hint => hint.Probability >= MinProbability).ToArray();
        PlanItem[] items = [.. seen.Select(hint => Accessories[hint.Label]).Concat(PlanRules.Default.Items).DistinctBy(item => item.Keyword).Take(Items)];
        var caption = seen.Length == 0 ? PlanRules.Default.Caption : $"a desk with {string.Join(", ", seen.Select(hint => hint.Label.Replace('_', ' ')))}";
        var prompt = $"The same desk from the same angle, tidy and well lit, with {string.Join(", ", items.Select(item => $"a {item.Label}"))}, neutral background, no visible cables.";
        return System.Threading.Tasks.Task.FromResult(JsonSerializer.Serialize(new PlanAnswer(caption, prompt, items), TandemJson.Options));
    }
}
