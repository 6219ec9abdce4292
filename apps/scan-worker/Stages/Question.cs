namespace ScanWorker.Stages;

/// <summary>What a person asks about a thing.</summary>
/// <param name="Text">In the person's words.</param>
/// <param name="Model">Model that the person chose; null leaves it to the stage.</param>
/// <param name="UserId">Whose budget and places model access counts it on; null counts it on nobody's.</param>
public sealed record Question(string Text, string? Model = null, string? UserId = null);
