using System.Collections.Concurrent;
using Ai.Providers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Ai.Catalogue;

/// <summary>Puts together what keys, policies and the providers' own lists say; see <see cref="IModelAvailability"/>.</summary>
internal sealed partial class ModelAvailability(
    ModelCatalogue catalogue, IProviderKeys keys, IEnumerable<IModelProvider> providers, IModelHealth health, ProviderConnections connections,
    IOptions<AiOptions> options, TimeProvider time, ILogger<ModelAvailability> logger) : IModelAvailability
{
    /// <summary>Models that one server of one's own adds to the list at most.</summary>
    private const int MaxAdded = 200;

    private readonly Dictionary<string, IModelProvider> _providers = providers.ToDictionary(provider => provider.Kind, StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Refreshed<ProviderList>> _lists = new(StringComparer.OrdinalIgnoreCase);

    public async Task<IReadOnlyList<ModelStatus>> ListAsync(CancellationToken cancellationToken)
    {
        var lists = await Task.WhenAll(catalogue.Providers.Keys.Select(async name => (Name: name, List: await ListOfAsync(name, cancellationToken))));
        var byProvider = lists.ToDictionary(list => list.Name, list => list.List, StringComparer.OrdinalIgnoreCase);
        var listed = catalogue.All.Select(model => StatusOf(model, byProvider[model.Provider])).ToList();
        var known = listed.Select(status => status.Model.Id).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var added = lists.SelectMany(list => Added(list.Name, list.List)).Where(model => known.Add(model.Id)).Select(model => StatusOf(model, byProvider[model.Provider]));
        return [.. listed, .. added];
    }

    private ModelStatus StatusOf(ModelInfo model, ProviderList list)
    {
        var reason = list.Reason
            ?? health.OutageOf(model)?.Reason
            ?? (list.Names is { } names && !IsIn(names, model) ? "not in the provider's list" : null);
        return new ModelStatus(model, reason is null, reason);
    }

    /// <summary>Ollama lists <c>llama3.2</c> as <c>llama3.2:latest</c>.</summary>
    private static bool IsIn(IReadOnlySet<string> names, ModelInfo model) =>
        names.Contains(model.Name) || names.Contains($"{model.Name}:latest") || model.Aliases.Any(names.Contains);

    /// <summary>What a server of one's own has; a provider's long list is not for people to choose from.</summary>
    private IEnumerable<ModelInfo> Added(string provider, ProviderList list) =>
        catalogue.Providers[provider] is { Kind: ProviderKinds.OpenAi, BaseUrl: not null } && list.Names is { } names
            ? names.Order(StringComparer.OrdinalIgnoreCase).Take(MaxAdded).Where(name => !catalogue.All.Any(model => model.Provider == provider && $"{model.Name}:latest" == name))
                .Select(name => catalogue.Resolve($"{provider}/{name}")).OfType<ModelInfo>()
            : [];

    private async Task<ProviderList> ListOfAsync(string provider, CancellationToken cancellationToken)
    {
        var available = await keys.OfAsync(provider, cancellationToken);
        return available.Keys is not [var key, ..]
            ? new ProviderList(Names: null, available.Reason)
            : await _lists.GetOrAdd(provider, name => new Refreshed<ProviderList>(last => ReadAsync(name, last), time)).GetAsync(cancellationToken);
    }

    private async Task<(ProviderList, TimeSpan)> ReadAsync(string provider, ProviderList? last)
    {
        var settings = options.Value.Lists;
        try
        {
            using var limit = new CancellationTokenSource(settings.Timeout, time);
            var key = (await keys.OfAsync(provider, limit.Token)).Keys.FirstOrDefault()?.Value;
            var connection = new ProviderConnection(provider, catalogue.Providers[provider], key, connections.Of(provider));
            var names = await _providers[connection.Options.Kind!].ListModelsAsync(connection, limit.Token);
            return (new ProviderList(names?.ToHashSet(StringComparer.OrdinalIgnoreCase), Reason: null), settings.Refresh);
        }
        catch (ModelException exception) when (exception.Failure is ModelFailure.NotFound or ModelFailure.BadRequest or ModelFailure.CapabilityMissing)
        {
            // A server that has no such list says nothing about its models.
            return (new ProviderList(Names: null, Reason: null), settings.Refresh);
        }
        catch (Exception exception)
        {
            var reason = exception switch
            {
                ModelException { Failure: ModelFailure.Unauthorized or ModelFailure.Forbidden } => "the provider refuses the key",
                ModelException { Failure: ModelFailure.NoKey } failed => failed.Message,
                ModelException { Failure: ModelFailure.RateLimited or ModelFailure.QuotaExhausted } => "the provider's limit is reached",
                ModelException { Status: { } status } => $"the provider answers {status}",
                _ => "unreachable",
            };
            LogUnread(provider, reason, (exception as ModelException)?.Failure.ToString() ?? exception.GetType().Name);
            return (new ProviderList(last?.Names, reason), settings.Retry);
        }
    }

    /// <summary>What a provider has.</summary>
    /// <param name="Names">Null where it does not tell.</param>
    /// <param name="Reason">What is against asking any of its models.</param>
    private sealed record ProviderList(IReadOnlySet<string>? Names, string? Reason);

    [LoggerMessage(1958, LogLevel.Warning, "Provider {Provider}: its list of models cannot be read: {Reason} ({Failure})")]
    private partial void LogUnread(string provider, string reason, string failure);
}
