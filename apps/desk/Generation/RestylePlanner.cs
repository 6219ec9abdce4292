using System.Text.Json;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>A thing that goes with the new desk.</summary>
/// <param name="Keyword">What shops call it, Korean.</param>
/// <param name="Label">What it is in the picture, English.</param>
public sealed record PlanItem(string Keyword, string Label);

/// <summary>The JSON of a plan.</summary>
public sealed record PlanAnswer(string Caption, string Prompt, IReadOnlyList<PlanItem> Items);

/// <summary>What is to be drawn and bought.</summary>
/// <param name="Caption">What the photo shows.</param>
/// <param name="Prompt">What the image model is told.</param>
/// <param name="Items">Things that go with it.</param>
/// <param name="Model">Who planned.</param>
public sealed record RestylePlan(string Caption, string Prompt, IReadOnlyList<PlanItem> Items, string Model);

/// <summary>Asks a model for the plan of a new desk.</summary>
public sealed class RestylePlanner(IModels models, PromptLibrary prompts)
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "desk-prompt";

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    /// <summary>The prompts.</summary>
    public static readonly PromptUse SystemPrompt = new("desk-prompt.system", "style");

    /// <inheritdoc cref="SystemPrompt"/>
    public static readonly PromptUse UserPrompt = new("desk-prompt.user", "categories");

    private const string NoCategories = "any";

    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"type":"object","additionalProperties":false,"required":["caption","prompt","items"],
         "properties":{"caption":{"type":"string"},"prompt":{"type":"string"},
          "items":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["keyword","label"],
           "properties":{"keyword":{"type":"string"},"label":{"type":"string"}}}}}}
        """).RootElement;

    private readonly Prompt _system = prompts[SystemPrompt];
    private readonly Prompt _user = prompts[UserPrompt];

    /// <summary>Plans from a square JPEG. Throws <see cref="ModelException"/>.</summary>
    public async Task<RestylePlan> PlanAsync(
        ReadOnlyMemory<byte> jpeg, string concept, IReadOnlyList<string> categories, string userId, CancellationToken cancellationToken)
    {
        var style = Concepts.StyleOf(concept);
        var wishes = categories.Count == 0 ? NoCategories : string.Join('\n', categories);
        ChatMessage[] messages =
        [
            new(ChatRole.System, _system.Fill(("style", style))),
            new(ChatRole.User, [new TextContent(_user.Fill(("categories", wishes))), new DataContent(jpeg, "image/jpeg")]),
        ];
        var scope = new CallScope { Task = Task, Prompt = _system.Id, User = userId };
        var response = await models.Chat(models.Choose(Task)).GetResponseAsync(messages, ChatTasks.Json(scope, "desk_plan", Schema), cancellationToken);
        var answer = ModelJson.Read<PlanAnswer>(response.Text, TandemJson.Options);
        var (prompt, items) = PlanRules.Check(answer);
        return new RestylePlan(PlanRules.Clean(answer.Caption), $"{prompt} {style}", items, Served.Of(response)!.Model);
    }
}
