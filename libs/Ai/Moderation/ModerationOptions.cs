using System.ComponentModel.DataAnnotations;

namespace Ai.Moderation;

/// <summary>The built-in rules: section <c>Ai:Moderation</c>. Without any, the default, they are off.</summary>
public sealed class ModerationOptions
{
    /// <summary>Phrases that neither a question nor an answer may contain, whatever their case. Default: none.</summary>
    [MaxLength(1000)]
    public IList<string> BlockedPhrases { get; } = [];

    /// <summary>Phrases that only an answer may not contain. Default: none.</summary>
    [MaxLength(1000)]
    public IList<string> BlockedAnswers { get; } = [];

    /// <summary>
    /// Whether questions that try to talk the model out of its instructions are counted and logged. They pass all the same: such rules are right often,
    /// not always, and prompts are built so that it does not matter. Default false.
    /// </summary>
    public bool FlagInjections { get; set; }
}
