using System.Text;
using System.Text.Json;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ServiceDefaults;

namespace ScanWorker.Vision;

/// <summary>Asks a model what is in a picture and checks the answer against the class tree before anybody uses it.</summary>
public sealed class WasteVision
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "waste-vision";

    /// <summary>The variable of the user prompts that holds the person's words.</summary>
    public const string UserInput = "user_input";

    /// <summary>The prompts.</summary>
    public static readonly PromptUse SystemPrompt = new("vision.system", "class_tree", "situation_tags");

    /// <inheritdoc cref="SystemPrompt"/>
    public static readonly PromptUse UserPrompt = new("vision.user", UserInput);

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"type":"object","additionalProperties":false,
         "required":["classification","situation_tags","confidence","runner_up","question"],
         "properties":{
          "classification":{"type":"object","additionalProperties":false,"required":["major_category","middle_category","minor_category"],
           "properties":{"major_category":{"type":"string"},"middle_category":{"type":"string"},"minor_category":{"type":["string","null"]}}},
          "situation_tags":{"type":"array","items":{"type":"string"}},
          "confidence":{"type":"number"},
          "runner_up":{"type":["object","null"],"additionalProperties":false,"required":["category","confidence"],
           "properties":{"category":{"type":"string"},"confidence":{"type":"number"}}},
          "question":{"type":["string","null"]}}}
        """).RootElement;

    private readonly IModels _models;
    private readonly Taxonomy _taxonomy;
    private readonly SituationTags _tags;
    private readonly Prompt _user;
    private readonly CallScope _scope;
    private readonly string _system;

    /// <summary>Fills the system prompt once: tree and tags do not change while the process runs.</summary>
    public WasteVision(IModels models, Taxonomy taxonomy, SituationTags tags, PromptLibrary prompts)
    {
        _models = models;
        _taxonomy = taxonomy;
        _tags = tags;
        _user = prompts[UserPrompt];
        _scope = new CallScope { Task = Task, Prompt = prompts[SystemPrompt].Id };
        _system = prompts[SystemPrompt].Fill(("class_tree", ClassTree(taxonomy)), ("situation_tags", TagList(tags)));
    }

    /// <summary>Whether the model looks at the picture on this machine, so that there is nothing to save by sending less.</summary>
    public bool StaysHere(string? model) => ModelOf(model).Provider == LocalProvider.Name;

    /// <summary>
    /// Classifies. Throws <see cref="ModelException"/>; an answer outside the class tree is MODEL_ANSWER_INVALID and worth
    /// another attempt.
    /// </summary>
    public async Task<VisionResult> ClassifyAsync(
        ReadOnlyMemory<byte> picture, string mediaType, Question question, CancellationToken cancellationToken)
    {
        var client = _models.Chat(ModelOf(question.Model));
        ChatMessage[] messages =
        [
            new(ChatRole.System, _system),
            new(ChatRole.User, [new TextContent(_user.Fill((UserInput, question.Text))), new DataContent(picture, mediaType)]),
        ];
        var response = await client.GetResponseAsync(messages, ChatTasks.Json(_scope with { User = question.UserId }, "waste_classification", Schema), cancellationToken);
        return Check(response.Text, question.Text, Served.Of(response)!);
    }

    private ModelInfo ModelOf(string? model) => _models.FindOrChoose(model, Task, Needs);

    private VisionResult Check(string text, string userInput, Served served)
    {
        var answer = ModelJson.Read<VisionAnswer>(text, TandemJson.Options, answer =>
            _taxonomy.Contains(answer.Classification.MajorCategory, answer.Classification.MiddleCategory) ? null : "is not in the class tree");
        return new VisionResult(
            answer.Classification,
            _tags.Known(answer.SituationTags ?? []),
            new VisionMeta(
                userInput, served.Provider, answer.Model ?? served.Model, answer.Confidence is { } confidence ? Math.Clamp(confidence, 0, 1) : null,
                answer.RunnerUp, answer.Unsure || answer.Classification.MajorCategory == Taxonomy.Unclassified, answer.Hints ?? [], answer.Question,
                served.FallbackReason?.ToString(), ModelUsage.Of(served)));
    }

    private static string ClassTree(Taxonomy taxonomy)
    {
        var text = new StringBuilder();
        foreach (var category in taxonomy.Categories)
        {
            text.Append("- ").AppendLine(category.Major);
            foreach (var group in category.Groups)
            {
                text.Append("  - ").Append(group.Middle).Append(": ").AppendJoin(", ", group.Minor).AppendLine();
            }
        }

        return text.ToString();
    }

    private static string TagList(SituationTags tags) =>
        string.Join('\n', tags.Groups.Select(group => $"- {string.Join(", ", group.Tags)}"));
}

/// <summary>The JSON of a classification, of which only the class is indispensable; the last three fields only the local provider fills.</summary>
public sealed record VisionAnswer(
    Classification Classification, IReadOnlyList<string>? SituationTags = null, double? Confidence = null, RunnerUp? RunnerUp = null, string? Question = null,
    bool Unsure = false, IReadOnlyList<string>? Hints = null, string? Model = null);
