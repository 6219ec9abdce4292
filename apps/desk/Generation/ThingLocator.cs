using System.Drawing;
using System.Text.Json;
using Ai;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Prompts;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Generation;

/// <summary>Where things stand in a picture. A vision model can tell; the local provider cannot, and then there are no centres.</summary>
public sealed partial class ThingLocator(
    IModels models, PromptLibrary prompts, IOptions<GenerationOptions> options, TimeProvider time, ILogger<ThingLocator> logger)
{
    /// <summary>Task name, see <see cref="CallScope.Task"/>.</summary>
    public const string Task = "desk-locate";

    /// <summary>What a model must be able to do for it.</summary>
    public const ModelCapabilities Needs = ModelCapabilities.Chat | ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    /// <summary>The prompts.</summary>
    public static readonly PromptUse SystemPrompt = new("desk-locate.system", "side");

    /// <inheritdoc cref="SystemPrompt"/>
    public static readonly PromptUse UserPrompt = new("desk-locate.user", "labels");

    private static readonly JsonElement Schema = JsonDocument.Parse("""
        {"type":"object","additionalProperties":false,"required":["things"],
         "properties":{"things":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["label","x","y"],
          "properties":{"label":{"type":"string"},"x":{"type":"number"},"y":{"type":"number"}}}}}}
        """).RootElement;

    private readonly Prompt _system = prompts[SystemPrompt];
    private readonly Prompt _user = prompts[UserPrompt];

    /// <summary>Whether anybody here can tell.</summary>
    public bool CanLocate => models.Choose(Task).Provider != LocalProvider.Name;

    /// <summary>The centres that were found, by keyword. None when the model fails or is late.</summary>
    public async Task<IReadOnlyDictionary<string, Point>> LocateAsync(
        ReadOnlyMemory<byte> jpeg, IReadOnlyList<PlanItem> items, string userId, CancellationToken cancellationToken)
    {
        var side = options.Value.Side;
        ChatMessage[] messages =
        [
            new(ChatRole.System, _system.Fill(("side", $"{side}"))),
            new(ChatRole.User, [new TextContent(_user.Fill(("labels", string.Join('\n', items.Select(item => item.Label))))), new DataContent(jpeg, "image/jpeg")]),
        ];
        using var late = new CancellationTokenSource(options.Value.LocateTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var scope = new CallScope { Task = Task, Prompt = _system.Id, User = userId };
            var response = await models.Chat(models.Choose(Task)).GetResponseAsync(messages, ChatTasks.Json(scope, "desk_things", Schema), either.Token);
            var answer = ModelJson.Read<Answer>(response.Text, TandemJson.Options);
            return answer.Things
                .Where(thing => thing.X >= 0 && thing.X < side && thing.Y >= 0 && thing.Y < side)
                .Select(thing => (Item: items.FirstOrDefault(item => item.Label.Equals(thing.Label, StringComparison.OrdinalIgnoreCase)), Place: new Point((int)thing.X, (int)thing.Y)))
                .Where(found => found.Item is not null).DistinctBy(found => found.Item)
                .ToDictionary(found => found.Item!.Keyword, found => found.Place);
        }
        catch (Exception failure) when (failure is ModelException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            LogFailed(logger, failure is ModelException model ? model.Code : "late");
            return new Dictionary<string, Point>();
        }
    }

    [LoggerMessage(2212, LogLevel.Warning, "Things could not be found in a picture: {Code}")]
    private static partial void LogFailed(ILogger logger, string code);

    private sealed record Answer(IReadOnlyList<Thing> Things);

    private sealed record Thing(string Label, double X, double Y);
}
