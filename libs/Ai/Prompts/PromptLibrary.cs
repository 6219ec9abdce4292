namespace Ai.Prompts;

/// <summary>The prompts of an app: all files of its folder <c>Prompts</c>, checked when they are loaded.</summary>
public sealed class PromptLibrary
{
    private const string SystemEnding = ".system";
    private const string UserEnding = ".user";

    private readonly Dictionary<string, Prompt> _prompts;

    private PromptLibrary(Dictionary<string, Prompt> prompts) => _prompts = prompts;

    /// <summary>All prompts.</summary>
    public IReadOnlyCollection<Prompt> All => _prompts.Values;

    /// <summary>A prompt that <paramref name="use"/> was declared for.</summary>
    public Prompt this[PromptUse use] => _prompts[use.Name];

    /// <summary>
    /// Loads every <c>*.md</c> of a folder. Throws <see cref="InvalidDataException"/> with one sentence when a file is missing or is of no use, when a variable is
    /// not declared, used and filled, or when a prompt takes untrusted text and no system prompt explains its fence.
    /// </summary>
    public static PromptLibrary Load(string folder, params IReadOnlyCollection<PromptUse> uses)
    {
        var prompts = new Dictionary<string, Prompt>(StringComparer.Ordinal);
        foreach (var path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*.md") : [])
        {
            var name = Path.GetFileNameWithoutExtension(path);
            prompts[name] = Prompt.Parse(name, File.ReadAllText(path), path);
        }

        foreach (var use in uses)
        {
            var path = Path.Combine(folder, use.Name + ".md");
            var prompt = prompts.GetValueOrDefault(use.Name) ?? throw new InvalidDataException($"{path}: the prompt file is missing");
            string[] variables = [.. prompt.Trusted, .. prompt.Untrusted];
            Prompt.Check(variables.ToHashSet().SetEquals(use.Variables),
                $"{path}: has the variables [{string.Join(", ", variables.Order())}], the code fills [{string.Join(", ", use.Variables.Order())}]");
        }

        foreach (var prompt in prompts.Values)
        {
            Prompt.Check(uses.Any(use => use.Name == prompt.Name), $"{Path.Combine(folder, prompt.Name + ".md")}: no code uses this prompt");
            CheckFences(folder, prompt, prompts);
        }

        return new PromptLibrary(prompts);
    }

    /// <summary>Untrusted text is explained in the system prompt of its task; a system prompt that cannot explain it may not take it.</summary>
    private static void CheckFences(string folder, Prompt prompt, Dictionary<string, Prompt> prompts)
    {
        var isSystem = prompt.Name.EndsWith(SystemEnding, StringComparison.Ordinal);
        Prompt.Check(isSystem || !prompt.ExplainsFences, $"{prompt.Name}: {{{{{Prompt.FenceVariable}}}}} belongs into a system prompt");
        if (prompt.Untrusted.Count > 0)
        {
            var system = isSystem ? prompt : prompts.GetValueOrDefault(prompt.Name[..^UserEnding.Length] + SystemEnding);
            Prompt.Check(system?.ExplainsFences == true,
                $"{Path.Combine(folder, prompt.Name + ".md")}: takes untrusted text ({string.Join(", ", prompt.Untrusted)}), so the system prompt of its task "
                + $"needs {{{{{Prompt.FenceVariable}}}}}");
        }
    }
}
