using System.ComponentModel.DataAnnotations;
using Ai.Local;
using Ai.Providers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>Checks the whole section <c>Ai</c> at the start: each problem is one sentence that names the setting and holds no key.</summary>
internal sealed class AiOptionsValidator(
    IConfiguration configuration, IEnumerable<ModelTask> tasks, IEnumerable<ILocalSkill> skills, IOptions<LocalOptions> local) : IValidateOptions<AiOptions>
{
    private static readonly HashSet<string> ModelSettings = [.. typeof(ModelOptions).GetProperties().Select(property => property.Name), "Calls"];

    public ValidateOptionsResult Validate(string? name, AiOptions options)
    {
        string[] problems = [.. Providers(options), .. Entries(options)];
        if (problems.Length == 0)
        {
            problems = [.. Models(options, new ModelCatalogue(options, tasks, skills, local.Value, configuration))];
        }

        return problems.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Providers(AiOptions options) => options.Providers.SelectMany(entry => Provider($"{AiOptions.Section}:Providers:{entry.Key}", entry.Key, entry.Value));

    private static IEnumerable<string> Provider(string section, string name, ProviderOptions provider)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            yield return $"{section}: a provider's name has no '/', which separates it from a model's";
        }

        if (!ProviderKinds.All.Contains(provider.Kind))
        {
            yield return $"{section}:Kind: '{provider.Kind}' is none of {string.Join(", ", ProviderKinds.All)}";
        }

        foreach (var problem in Annotations(section, provider).Concat(provider.Keys.SelectMany((key, place) => Annotations($"{section}:Keys:{place}", key))))
        {
            yield return problem;
        }

        for (var place = 0; place < provider.Keys.Count; place++)
        {
            if (provider.Keys[place] is { Secret.Length: > 0, Value.Length: > 0 })
            {
                yield return $"{section}:Keys:{place}: a key has a Secret or a Value, not both";
            }
        }

        if (provider is { CredentialsFile.Length: > 0, CredentialsSecret.Length: > 0 })
        {
            yield return $"{section}: credentials are in CredentialsFile or in CredentialsSecret, not in both";
        }

        if (provider.BaseUrl is { } address)
        {
            if (!address.IsAbsoluteUri || address.Scheme is not ("http" or "https"))
            {
                yield return $"{section}:BaseUrl: needs an address that begins with http:// or https://";
            }
            else if (address.UserInfo.Length > 0)
            {
                yield return $"{section}:BaseUrl: an address has no user and password; keys go into {section}:Keys";
            }
            else if (address.Scheme == "http" && !address.IsLoopback && !provider.AllowKeyOverHttp && (provider.Keys.Count > 0 || provider.Kind == ProviderKinds.Vertex))
            {
                yield return $"{section}:BaseUrl: a key would go to {address.Host} unencrypted; use https, or set {section}:AllowKeyOverHttp where the network is trusted";
            }
        }
    }

    private IEnumerable<string> Entries(AiOptions options)
    {
        foreach (var (key, entry) in options.Models)
        {
            var section = $"{AiOptions.Section}:Models:{key}";
            if (configuration.GetSection(section).GetChildren().FirstOrDefault(child => !ModelSettings.Contains(child.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
            {
                yield return $"{section}: '{unknown.Key}' is no setting of a model; an id that has a ':' goes into the setting Id of an entry with another name";
            }

            var id = entry.Id ?? key;
            if (id != ProviderKinds.Local && !options.Providers.Keys.Any(provider => id.StartsWith($"{provider}/", StringComparison.OrdinalIgnoreCase)))
            {
                yield return $"{section}: the id '{id}' does not begin with a configured provider and '/'; configured: {string.Join(", ", options.Providers.Keys)}";
            }

            foreach (var problem in Annotations(section, entry))
            {
                yield return problem;
            }
        }

        foreach (var problem in new CallPolicies(options, configuration).Changes().SelectMany(change => Annotations(change.Section, change.Policy)))
        {
            yield return problem;
        }
    }

    private IEnumerable<string> Models(AiOptions options, ModelCatalogue catalogue)
    {
        foreach (var (setting, word) in options.NamedModels())
        {
            if (catalogue.Resolve(word) is null)
            {
                yield return $"{setting}: {catalogue.Unsupported(word)}";
            }
        }

        foreach (var (task, entry) in options.Tasks)
        {
            foreach (var tier in Enum.GetValues<ModelTier>())
            {
                if (entry.Of(tier) is { Length: > 0 } word && catalogue.Resolve(word) is { } model && model.Lacks(catalogue.NeedsOf(task)) is not 0 and var missing)
                {
                    yield return $"{AiOptions.Section}:Tasks:{task}:{tier}: {model.Id} cannot do {missing}, which the task needs; {catalogue.Capable(catalogue.NeedsOf(task))}";
                }
            }
        }

        // Whoever chose a default chose it for every task about words that has no other.
        if (options.Model is { Length: > 0 } chosen && catalogue.Resolve(chosen) is { } usual)
        {
            foreach (var task in tasks.Where(task => ModelCatalogue.IsSpoken(task.Needs) && !options.Tasks.ContainsKey(task.Name)))
            {
                if (usual.Lacks(task.Needs) is not 0 and var missing)
                {
                    yield return $"{AiOptions.Section}:Model: {usual.Id} cannot do {missing}, which task {task.Name} needs; give the task another in "
                        + $"{AiOptions.Section}:Tasks:{task.Name}:Standard; {catalogue.Capable(task.Needs)}";
                }
            }
        }
    }

    /// <summary>Data annotations do not descend into dictionaries and lists by themselves.</summary>
    private static IEnumerable<string> Annotations(string section, object value)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(value, new ValidationContext(value), results, validateAllProperties: true);
        return results.Select(result => $"{section}:{string.Join(",", result.MemberNames)}: {result.ErrorMessage}");
    }
}
