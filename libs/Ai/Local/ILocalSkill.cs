using Ai.Catalogue;
using Microsoft.Extensions.AI;

namespace Ai.Local;

/// <summary>
/// What the local provider does for one task without a language model: classifies, looks up, fills a template. Honest
/// machinery: an answer says that it is local, and what it cannot do it does not pretend.
/// </summary>
public interface ILocalSkill
{
    /// <summary>The task it answers, see <see cref="Calls.CallScope.Task"/>.</summary>
    string Task { get; }

    /// <summary>What a request for the task may ask for beside text. The catalogue's entry <c>local</c> has the capabilities of all skills together.</summary>
    ModelCapabilities Capabilities => ModelCapabilities.None;

    /// <summary>Answers with the text (JSON where the caller gave a schema).</summary>
    Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken);
}
