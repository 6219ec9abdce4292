namespace Ai.Local.Text;

/// <summary>A text that can be found.</summary>
/// <param name="Id">Key within its index.</param>
/// <param name="Title">What it is about; counts more than the text.</param>
/// <param name="Text">The text.</param>
public sealed record LexicalDocument(string Id, string Title, string Text)
{
    /// <summary>Names of what it is about; one that a question contains, whatever the blanks, speaks for the document.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Where it comes from, as people are told. Default: the title.</summary>
    public string? Source { get; init; }

    /// <summary>Its embedding, of length 1, by a model of the app's choice; null without one.</summary>
    public ReadOnlyMemory<float>? Embedding { get; init; }
}

/// <summary>A document that was found.</summary>
/// <param name="Document">The document.</param>
/// <param name="Score">How well it fits, 0 to 1: about 0.8 when it has everything the question has.</param>
/// <param name="Passage">Its part that fits best, word for word.</param>
/// <param name="Tags">The tags that the question contains.</param>
public sealed record LexicalHit(LexicalDocument Document, double Score, string Passage, IReadOnlyList<string> Tags);
