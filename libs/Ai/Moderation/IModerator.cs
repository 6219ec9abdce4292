namespace Ai.Moderation;

/// <summary>Which way a text goes.</summary>
public enum ModeratedText
{
    /// <summary>What a person asks.</summary>
    Input,

    /// <summary>What a model answers.</summary>
    Output,
}

/// <summary>What a moderator says of a text.</summary>
/// <param name="Blocked">Why it must not pass, as a short name without any of the text; null when it may.</param>
/// <param name="Flag">What is odd about it, as a short name; counted and logged, and lets it pass.</param>
public readonly record struct ModerationVerdict(string? Blocked = null, string? Flag = null);

/// <summary>
/// Declines what must not be asked or shown. Registered as a service; without one, and without <see cref="ModerationOptions"/>, nothing is moderated.
/// </summary>
public interface IModerator
{
    /// <summary>
    /// Characters of a streamed answer that stay back until it has seen what follows them: one less than the longest text that it must see whole. Zero
    /// checks each piece by itself.
    /// </summary>
    int Window { get; }

    /// <summary>Judges a text, which of a streamed answer is the part that is about to be shown. A failure is the call's failure.</summary>
    ValueTask<ModerationVerdict> CheckAsync(ModeratedText direction, ReadOnlyMemory<char> text, CancellationToken cancellationToken);
}
