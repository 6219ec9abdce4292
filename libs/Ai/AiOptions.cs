using System.ComponentModel.DataAnnotations;
using Ai.Admission;
using Ai.Budgets;
using Ai.Caching;
using Ai.Moderation;

using Ai.Catalogue;
using Ai.Providers;
using Ai.Sharing;
using Ai.Telemetry;
using Microsoft.Extensions.Options;

namespace Ai;

/// <summary>Model access of an app: which models there are, and the policies around every call.</summary>
public sealed class AiOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Ai";

    /// <summary>
    /// Model that answers when a request names none. Default: the first model of the first configured provider in the order openai, anthropic, gemini,
    /// vertex, others; <c>local</c> when none is configured.
    /// </summary>
    public string? Model { get; set; }

    /// <summary>Providers by name; see <see cref="ProviderOptions"/>. One is configured when it has a key, a base URL, or credentials.</summary>
    public IDictionary<string, ProviderOptions> Providers { get; } = new Dictionary<string, ProviderOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Models by id, changed or added; see <see cref="ModelOptions"/>.</summary>
    public IDictionary<string, ModelOptions> Models { get; } = new Dictionary<string, ModelOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Models by task and tier; a task that is not here has the built-in ones, or <see cref="Model"/> where that is set.</summary>
    public IDictionary<string, TaskOptions> Tasks { get; } = new Dictionary<string, TaskOptions>(StringComparer.OrdinalIgnoreCase);

    /// <summary>How the providers' lists of models are read.</summary>
    [ValidateObjectMembers]
    public ModelListOptions Lists { get; set; } = new();

    /// <summary>How secrets are read.</summary>
    [ValidateObjectMembers]
    public SecretOptions Secrets { get; set; } = new();

    /// <summary>Policy of one call; <c>Ai:Providers:{name}:Calls</c> and <c>Ai:Models:{id}:Calls</c> change single values of it.</summary>
    [ValidateObjectMembers]
    public ModelCallOptions Calls { get; set; } = new();

    /// <summary>Models that answer, in this order, when the one of the given id or name cannot.</summary>
    public IDictionary<string, IList<string>> Fallback { get; } = new Dictionary<string, IList<string>>(StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a model that <see cref="Fallback"/> does not name has a chain too: a smaller one of its provider, one of each other provider, <c>local</c>.
    /// Default true.
    /// </summary>
    public bool FallbackByDefault { get; set; } = true;

    /// <summary>How many calls run at a time.</summary>
    [ValidateObjectMembers]
    public AdmissionOptions Admission { get; set; } = new();

    /// <summary>What spans may hold.</summary>
    [ValidateObjectMembers]
    public AiTelemetryOptions Telemetry { get; set; } = new();

    /// <summary>Which answers are kept.</summary>
    [ValidateObjectMembers]
    public CacheOptions Cache { get; set; } = new();

    /// <summary>Where replicas share answers and spending.</summary>
    [ValidateObjectMembers]
    public SharedStateOptions Store { get; set; } = new();

    /// <summary>What calls may cost.</summary>
    [ValidateObjectMembers]
    public BudgetOptions Budget { get; set; } = new();

    /// <summary>What must not be asked or shown.</summary>
    [ValidateObjectMembers]
    public ModerationOptions Moderation { get; set; } = new();

    /// <summary>Every setting that names a model, with the name.</summary>
    internal IEnumerable<(string Setting, string Model)> NamedModels()
    {
        IEnumerable<(string Setting, string? Model)> all =
        [
            ($"{Section}:Model", Model),
            .. Tasks.SelectMany(task => Enum.GetValues<ModelTier>().Select(tier => ($"{Section}:Tasks:{task.Key}:{tier}", task.Value.Of(tier)))),
            .. Fallback.Keys.Select(model => ($"{Section}:Fallback:{model}", (string?)model)),
            .. Fallback.SelectMany(chain => chain.Value.Select((word, place) => ($"{Section}:Fallback:{chain.Key}:{place}", (string?)word))),
        ];
        return all.Where(named => !string.IsNullOrEmpty(named.Model)).Select(named => (named.Setting, named.Model!));
    }
}
