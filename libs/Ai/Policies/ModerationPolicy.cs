using System.Diagnostics.Metrics;
using Ai.Calls;
using Ai.Moderation;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai.Policies;

/// <summary>
/// Asks every moderator about what a person asks, before the call, and about what a model answers, before it is shown; of a kept answer too. Checked
/// are the texts of users, results of tools, prompts of pictures and the text of answers: not what the app itself tells the model, nor embeddings.
/// </summary>
internal sealed partial class ModerationPolicy : IModelPolicy
{
    private static readonly Counter<long> Verdicts = AiTelemetry.Meter.CreateCounter<long>(
        "tandem.ai.moderation.verdicts", "{text}", "Texts that were blocked or flagged, by what for");

    private readonly IModerator[] _moderators;
    private readonly int _window;
    private readonly ILogger _logger;

    public ModerationPolicy(IOptions<AiOptions> options, IEnumerable<IModerator> moderators, ILogger<ModerationPolicy> logger)
    {
        var rules = options.Value.Moderation;
        _moderators = RuleModerator.IsWanted(rules) ? [new RuleModerator(rules), .. moderators] : [.. moderators];
        _window = _moderators.Length == 0 ? 0 : _moderators.Max(moderator => moderator.Window);
        _logger = logger;
    }

    public PolicyPlace Place => PolicyPlace.Moderation;

    public ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken) =>
        _moderators.Length == 0 || call is EmbeddingCall ? next(call, cancellationToken) : ModerateAsync(call, next, cancellationToken);

    private async ValueTask<ModelAnswer> ModerateAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        foreach (var text in Asked(call))
        {
            await CheckAsync(call, ModeratedText.Input, text.AsMemory(), cancellationToken);
        }

        var answer = await next(call, cancellationToken);
        switch (answer)
        {
            case WholeAnswer<ChatResponse> whole:
                await CheckAsync(call, ModeratedText.Output, whole.Value.Text.AsMemory(), cancellationToken);
                break;
            case StreamedAnswer { Current: not null } stream:
                await WrapAsync(call, stream, cancellationToken);
                break;
        }

        return answer;
    }

    private async ValueTask WrapAsync(ModelCall call, StreamedAnswer stream, CancellationToken cancellationToken)
    {
        ModeratedStream? moderated = null;
        stream.Wrap(updates => moderated = new ModeratedStream(
            updates, _window, text => CheckAsync(call, ModeratedText.Output, text, cancellationToken)));
        try
        {
            await moderated!.OpenAsync();
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private async ValueTask CheckAsync(ModelCall call, ModeratedText direction, ReadOnlyMemory<char> text, CancellationToken cancellationToken)
    {
        foreach (var moderator in _moderators)
        {
            var verdict = await moderator.CheckAsync(direction, text, cancellationToken);
            if (verdict.Flag is { } flag)
            {
                Count("flagged", flag, direction);
                LogFlagged(direction, call.Model.Id, call.Scope.Task, flag);
            }

            if (verdict.Blocked is { } reason)
            {
                Count("blocked", reason, direction);
                LogBlocked(direction, call.Model.Id, call.Scope.Task, reason);
                throw new ModelException(
                    ModelFailure.Moderated, direction == ModeratedText.Input ? $"the question was declined: {reason}" : $"the answer was declined: {reason}");
            }
        }
    }

    private static IEnumerable<string> Asked(ModelCall call) => call switch
    {
        ChatCall chat => chat.Messages
            .Where(message => message.Role == ChatRole.User || message.Role == ChatRole.Tool)
            .SelectMany(message => message.Contents)
            .Select(content => content switch
            {
                TextContent text => text.Text,
                FunctionResultContent result => result.Result?.ToString(),
                _ => null,
            })
            .OfType<string>().Where(text => text.Length > 0),
        ImageCall { Request.Prompt: { Length: > 0 } prompt } => [prompt],
        _ => [],
    };

    private static void Count(string verdict, string reason, ModeratedText direction) =>
        Verdicts.Add(1, new("verdict", verdict), new("reason", reason), new("direction", direction == ModeratedText.Input ? "input" : "output"));

    [LoggerMessage(1941, LogLevel.Information, "{Direction} of model {Model} for task {Task} was blocked: {Reason}")]
    private partial void LogBlocked(ModeratedText direction, string model, string? task, string reason);

    [LoggerMessage(1942, LogLevel.Information, "{Direction} of model {Model} for task {Task} was flagged: {Flag}")]
    private partial void LogFlagged(ModeratedText direction, string model, string? task, string flag);
}
