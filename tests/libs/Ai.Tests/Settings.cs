using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Ai.Tests;

/// <summary>Model access of an app with the settings given as <c>key=value</c>.</summary>
internal static class Settings
{
    public static IConfiguration Read(IEnumerable<string> settings) => new ConfigurationBuilder().AddInMemoryCollection(
        settings.Select(setting => setting.Split('=', 2)).Select(pair => new KeyValuePair<string, string?>(pair[0], pair[1]))).Build();

    public static IServiceCollection Models(params string[] settings) => new ServiceCollection().AddLogging().AddSingleton(Read(settings)).AddModels();
}
