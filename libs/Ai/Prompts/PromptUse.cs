namespace Ai.Prompts;

/// <summary>Where code uses a prompt: which file, and the variables that the code fills. Declared once, next to the code, and checked at start.</summary>
/// <param name="name">Name of the file without its ending, e.g. <c>vision.system</c>.</param>
/// <param name="variables">Names of the variables.</param>
public sealed class PromptUse(string name, params string[] variables)
{
    /// <summary>Name of the file without its ending.</summary>
    public string Name { get; } = name;

    /// <summary>Names of the variables that are filled.</summary>
    public IReadOnlyList<string> Variables { get; } = variables;
}
