using System.Text.Json;
using Ai;
using Ai.Catalogue;
using Ai.Local;
using Ai.Local.Vision;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Desk.Vision;

/// <summary>The local provider's word: how much the photo looks like the desks and desk things that the embedded network knows (docs/desk.md).</summary>
public sealed class LocalDeskCheck(PictureClassifier classifier, IOptions<DeskOptions> options) : ILocalSkill
{
    /// <summary>An answer within this factor of the threshold is unsure.</summary>
    private const double UnsureFactor = 2;

    public string Task => DeskCheck.Task;

    public ModelCapabilities Capabilities => ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

    public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        var picture = messages.SelectMany(message => message.Contents).OfType<DataContent>().First();
        var resemblance = classifier.Resemblance(picture.Data, DeskLabels.All, cancellationToken)
            ?? throw new ModelException(ModelFailure.CapabilityMissing, "the local provider needs its network for this, and its weights cannot be used");
        var threshold = options.Value.LocalThreshold;
        var answer = new DeskAnswer(
            resemblance >= threshold, Math.Round(resemblance, 3), resemblance >= threshold / UnsureFactor && resemblance < threshold * UnsureFactor);
        return System.Threading.Tasks.Task.FromResult(JsonSerializer.Serialize(answer, TandemJson.Options));
    }
}
