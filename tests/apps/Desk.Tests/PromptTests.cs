using Ai.Prompts;
using Desk.Vision;
using TestKit;

namespace Desk.Tests;

/// <summary>What models are told, word for word. A changed prompt shows as a changed snapshot; docs/prompts.md says how to renew it.</summary>
public sealed class PromptTests
{
    [Fact]
    public void Reads_as_its_snapshot()
    {
        var prompt = PromptLibrary.Load(Path.Combine(AppContext.BaseDirectory, "Prompts"), DeskCheck.SystemPrompt)[DeskCheck.SystemPrompt];

        Snapshot.Check($"tests/apps/Desk.Tests/Prompts/{prompt.Name}.md", $"<!-- {prompt.Id} -->\n" + prompt.Fill());
    }
}
