using Ai.Catalogue;
using Ai.Local;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests;

/// <summary>Model access of an app with the settings given as <c>key=value</c>.</summary>
internal static class Settings
{
    public static IConfiguration Read(IEnumerable<string> settings) => new ConfigurationBuilder().AddInMemoryCollection(
        settings.Select(setting => setting.Split('=', 2)).Select(pair => new KeyValuePair<string, string?>(pair[0], pair[1]))).Build();

    /// <summary>The embedded model looks at pictures and answers by schema, as an app teaches it.</summary>
    public static IServiceCollection Models(params string[] settings) =>
        new ServiceCollection().AddLogging().AddSingleton(Read(settings)).AddModels().AddLocalSkill<Seeing>();

    private sealed class Seeing : ILocalSkill
    {
        public string Task => "see";

        public ModelCapabilities Capabilities => ModelCapabilities.Vision | ModelCapabilities.JsonSchema;

        public Task<string> AnswerAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken) => System.Threading.Tasks.Task.FromResult("{}");
    }
}
