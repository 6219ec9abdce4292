using Ai.Prompts;
using ScanWorker.Answers;
using ScanWorker.Vision;
using TestKit;

namespace ScanWorker.Tests;

/// <summary>What models are told, word for word. A changed prompt shows as a changed snapshot; docs/prompts.md says how to renew it.</summary>
public sealed class PromptTests
{
    /// <summary>The prompts as the app loads them.</summary>
    internal static readonly PromptLibrary Library = PromptLibrary.Load(
        Path.Combine(AppContext.BaseDirectory, "Prompts"),
        WasteVision.SystemPrompt, WasteVision.UserPrompt, DisposalAnswer.SystemPrompt, DisposalAnswer.UserPrompt);

    public static TheoryData<string> Names => [.. Library.All.Select(prompt => prompt.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Reads_as_its_snapshot(string name)
    {
        var prompt = Library.All.Single(prompt => prompt.Name == name);

        Snapshot.Check(
            $"tests/apps/ScanWorker.Tests/Prompts/{name}.md",
            $"<!-- {prompt.Id} -->\n" + prompt.Fill([.. prompt.Trusted.Concat(prompt.Untrusted).Select(variable => (variable, $"A value of {variable}."))]));
    }
}
