using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Ai;

/// <summary>Model access of an app: which provider answers, and the policy around every call.</summary>
public sealed class AiOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Ai";

    /// <summary>
    /// <c>auto</c> (default): the OpenAI-compatible server when a key or a base URL is set, else the local provider.
    /// <c>openai</c> or <c>local</c> forces one.
    /// </summary>
    [RegularExpression("auto|openai|local")]
    public string Provider { get; set; } = "auto";

    /// <summary>The OpenAI-compatible server.</summary>
    [ValidateObjectMembers]
    public OpenAiServerOptions OpenAi { get; set; } = new();

    /// <summary>Policy of one call.</summary>
    [ValidateObjectMembers]
    public ModelCallOptions Calls { get; set; } = new();

    /// <summary>Whether the OpenAI-compatible server is chosen.</summary>
    public bool UsesOpenAi => Provider == "openai" || (Provider == "auto" && (OpenAi.ApiKey is { Length: > 0 } || OpenAi.BaseUrl is not null));
}

/// <summary>An OpenAI-compatible server: OpenAI itself, Ollama, vLLM, llama.cpp …</summary>
public sealed class OpenAiServerOptions
{
    /// <summary>Base URL up to and including <c>/v1</c>; default OpenAI's own.</summary>
    public Uri? BaseUrl { get; set; }

    /// <summary>API key; the environment variable OPENAI_API_KEY is read when this is empty. Servers without keys accept any text.</summary>
    public string? ApiKey { get; set; }

    /// <summary>Model used when a request names none. Default <c>gpt-5.2</c>.</summary>
    [Required]
    public string Model { get; set; } = "gpt-5.2";

    /// <summary>
    /// Models that a request may name; the default one is always allowed. Default: OpenAI's current ones at OpenAI itself, no further
    /// ones at another server. Null and not a list, because configuration adds to a list that is there.
    /// </summary>
    public IList<string>? Models { get; set; }

    /// <summary>The default model, then the others.</summary>
    internal IEnumerable<string> Supported => (Models ?? (BaseUrl is null ? OpenAiModels : [])).Prepend(Model).Distinct(StringComparer.OrdinalIgnoreCase);

    private static string[] OpenAiModels => ["gpt-5.2", "gpt-5.2-pro", "gpt-5.1", "gpt-5", "gpt-5-pro", "gpt-5-mini"];
}

/// <summary>Timeouts, retries, breaker and bulkhead around one model.</summary>
public sealed class ModelCallOptions
{
    /// <summary>Longest time of one attempt, or of one piece of a streamed answer. Default 60 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan AttemptTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Attempts after the first, on transient failures only (408, 409, 429, 5xx, connection, timeout). Default 2.</summary>
    [Range(0, 10)]
    public int Retries { get; set; } = 2;

    /// <summary>First wait; doubles per retry, with jitter. A Retry-After of 1 to 60 s takes its place. Default 0.5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan RetryDelay { get; set; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The breaker opens when half of at least this many calls within 30 s failed. Default 20.</summary>
    [Range(2, 10_000)]
    public int BreakerMinimumCalls { get; set; } = 20;

    /// <summary>How long the breaker stays open. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:10:00")]
    public TimeSpan BreakerOpenTime { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Calls of this process that run at the same time; more wait in line. Default 200. The local provider computes instead of waiting,
    /// so it runs one per processor at most.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxConcurrentCalls { get; set; } = 200;
}
