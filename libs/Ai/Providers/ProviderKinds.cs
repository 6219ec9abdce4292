using Ai.Local;
using Microsoft.Extensions.Configuration;

namespace Ai.Providers;

/// <summary>The kinds of providers, and what each takes from the environment without any other setting.</summary>
public static class ProviderKinds
{
    /// <summary>OpenAI and every compatible server.</summary>
    public const string OpenAi = "openai";

    /// <summary>Anthropic.</summary>
    public const string Anthropic = "anthropic";

    /// <summary>Google Gemini API.</summary>
    public const string Gemini = "gemini";

    /// <summary>Google Vertex AI.</summary>
    public const string Vertex = "vertex";

    /// <summary>The embedded provider.</summary>
    public const string Local = LocalProvider.Name;

    /// <summary>All, in the order in which a default model is looked for.</summary>
    public static readonly IReadOnlyList<string> All = [OpenAi, Anthropic, Gemini, Vertex, Local];

    /// <summary>The environment variables that hold a key of the kind, the first one first.</summary>
    public static IReadOnlyList<string> KeyVariables(string kind) => kind switch
    {
        OpenAi => ["OPENAI_API_KEY"],
        Anthropic => ["ANTHROPIC_API_KEY"],
        Gemini => ["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        _ => [],
    };

    /// <summary>The environment variable of the kind that is set; null when none is.</summary>
    internal static string? SetVariable(string kind, IConfiguration configuration) =>
        KeyVariables(kind).FirstOrDefault(name => configuration[name] is { Length: > 0 });

    /// <summary>Whether the provider is called without an API key: it is embedded, signs in otherwise, or is a server of one's own without keys.</summary>
    internal static bool NeedsNoKey(ProviderOptions provider) => provider.Kind is Local or Vertex || (provider.Keys.Count == 0 && provider.BaseUrl is not null);

    /// <summary>Whether there is all that a call needs, as far as the configuration tells: a key, an address or credentials.</summary>
    internal static bool IsConfigured(ProviderOptions provider, IConfiguration configuration) =>
        NeedsNoKey(provider) || provider.Keys.Count > 0 || SetVariable(provider.Kind!, configuration) is not null;
}
