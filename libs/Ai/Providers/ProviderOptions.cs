using System.ComponentModel.DataAnnotations;

namespace Ai.Providers;

/// <summary>
/// One provider: section <c>Ai:Providers:{name}</c>. Several entries of one kind are several servers or accounts. <c>Ai:Providers:{name}:Calls</c> changes
/// single values of <see cref="AiOptions.Calls"/> for its models.
/// </summary>
public sealed class ProviderOptions
{
    /// <summary>
    /// <c>openai</c> (OpenAI and every compatible server: Ollama, vLLM, llama.cpp), <c>anthropic</c>, <c>gemini</c>, <c>vertex</c>, <c>local</c>.
    /// Default: the entry's name where that is a kind, else <c>openai</c>.
    /// </summary>
    public string? Kind { get; set; }

    /// <summary>Base URL as the provider's own clients take it, for OpenAI-compatible servers up to and including <c>/v1</c>. Default: the provider's own.</summary>
    public Uri? BaseUrl { get; set; }

    /// <summary>
    /// Whether keys may go to a <see cref="BaseUrl"/> that begins with <c>http://</c> and is not on this machine, where the network between is trusted.
    /// Default false: the app does not start.
    /// </summary>
    public bool AllowKeyOverHttp { get; set; }

    /// <summary><c>openai</c> only: <c>chat</c> (POST /chat/completions, default: every compatible server has it) or <c>responses</c> (POST /responses).</summary>
    [RegularExpression("chat|responses")]
    public string Api { get; set; } = "chat";

    /// <summary>
    /// Keys that share the load. Empty: the environment variable of the kind (<see cref="ProviderKinds.KeyVariables"/>), or none at a server
    /// with a <see cref="BaseUrl"/>, so that no key goes to a server that it is not for.
    /// </summary>
    public IList<ProviderKeyOptions> Keys { get; } = [];

    /// <summary>How long a key is left alone after a 429 that does not say how long. Default 20 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "01:00:00")]
    public TimeSpan KeyCoolDown { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>After how long a key without quota or rights is tried again, if its value does not change before. Default 10 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan KeyDisabledTime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary><c>vertex</c>: project; default <c>GOOGLE_CLOUD_PROJECT</c>, else the one of the credentials or of the metadata server.</summary>
    public string? Project { get; set; }

    /// <summary><c>vertex</c>: location. Default <c>global</c>.</summary>
    public string Location { get; set; } = "global";

    /// <summary><c>vertex</c>: file with credentials (service account, workload identity …). Default: the application default credentials.</summary>
    public string? CredentialsFile { get; set; }

    /// <summary><c>vertex</c>: secret with the same JSON in the secret store, instead of a file.</summary>
    public string? CredentialsSecret { get; set; }

    /// <summary><c>vertex</c>: longest wait for an access token, which is part of the wait for the first byte. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:02:00")]
    public TimeSpan TokenTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary><c>vertex</c>: for this time after the credentials were refused no token is asked for, unless their secret changes. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan TokenRetry { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>One key of a provider and its share of the load.</summary>
public sealed class ProviderKeyOptions
{
    /// <summary>Name of the secret in the secret store.</summary>
    public string? Secret { get; set; }

    /// <summary>The key itself, for development; production uses <see cref="Secret"/>.</summary>
    public string? Value { get; set; }

    /// <summary>Share of the load relative to the other keys. Default 1.</summary>
    [Range(1, 1000)]
    public int Weight { get; set; } = 1;

    /// <summary>Requests a minute; 0 (default) does not limit.</summary>
    [Range(0, 10_000_000)]
    public int RequestsPerMinute { get; set; }

    /// <summary>Tokens a minute, estimated before the call and settled after it; 0 (default) does not limit.</summary>
    [Range(0, int.MaxValue)]
    public int TokensPerMinute { get; set; }
}
