using Microsoft.Extensions.DependencyInjection;

namespace Ai.Prompts;

/// <summary>Registration of prompts.</summary>
public static class PromptServices
{
    /// <summary>
    /// Adds the <see cref="PromptLibrary"/> of the app's folder <c>Prompts</c>. The files are read and checked here, so that a wrong one stops the start.
    /// </summary>
    public static IServiceCollection AddPrompts(this IServiceCollection services, params IReadOnlyCollection<PromptUse> uses) =>
        services.AddSingleton(PromptLibrary.Load(Path.Combine(AppContext.BaseDirectory, "Prompts"), uses));
}
