using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Contracts.Identity;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.ApiKeys;

/// <summary>Asks auth, by service invocation.</summary>
internal sealed class ApiKeyClient(HttpClient http)
{
    /// <summary>The token of a key; null for a key that is not valid.</summary>
    public async Task<ExchangedApiKey?> ExchangeAsync(string apiKey, CancellationToken cancellationToken)
    {
        using var response = await http.PostAsJsonAsync("/internal/api-keys/exchange", new ExchangeApiKey(apiKey), TandemJson.Options, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return null;
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<ExchangedApiKey>(TandemJson.Options, cancellationToken) ?? throw new JsonException("auth answered nothing");
    }
}

/// <summary>
/// The tokens of the API keys that are in use. One exchange at a time per key, its answer for all who wait; only tokens are held, so that strangers'
/// keys take no place; a revoked key's token is refused like any other.
/// </summary>
internal sealed class ApiKeyTokens(IServiceProvider services, TimeProvider time, IOptions<ApiKeyOptions> options)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<Held?>>> _held = new(StringComparer.Ordinal);

    /// <summary>A token that lasts for a while; null for a key that is not valid.</summary>
    /// <exception cref="HttpRequestException">auth could not be asked.</exception>
    public async Task<string?> GetAsync(string apiKey, CancellationToken cancellationToken)
    {
        if (ApiKeyText.Parse(apiKey) is null)
        {
            return null;
        }

        // A dump of the memory shows tokens that end soon, but no keys.
        var id = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(apiKey)));
        while (true)
        {
            var exchange = _held.TryGetValue(id, out var known) ? known : Add(id, apiKey);
            Held? held;
            try
            {
                held = await exchange.Value.WaitAsync(cancellationToken);
            }
            catch (Exception) when (exchange.Value.IsCompleted && !exchange.Value.IsCompletedSuccessfully)
            {
                Remove(id, exchange);
                throw;
            }

            if (held is null || time.GetUtcNow() >= held.RenewAt)
            {
                Remove(id, exchange);
            }

            // Only what was held before can be too old; a new token is good for this request, however short its life.
            if (held is null || exchange != known || time.GetUtcNow() < held.RenewAt)
            {
                return held?.Token;
            }
        }
    }

    private Lazy<Task<Held?>> Add(string id, string apiKey)
    {
        if (_held.Count >= options.Value.MaxHeld)
        {
            _held.Clear();
        }

        return _held.GetOrAdd(id, _ => new Lazy<Task<Held?>>(() => ExchangeAsync(apiKey)));
    }

    private void Remove(string id, Lazy<Task<Held?>> exchange) => _held.TryRemove(KeyValuePair.Create(id, exchange));

    /// <summary>Nobody's request alone: who gives up waiting does not end it for the others.</summary>
    private async Task<Held?> ExchangeAsync(string apiKey)
    {
        using var timeout = new CancellationTokenSource(options.Value.Timeout, time);
        try
        {
            var exchanged = await services.GetRequiredService<ApiKeyClient>().ExchangeAsync(apiKey, timeout.Token);
            if (exchanged is null)
            {
                return null;
            }

            var half = (exchanged.ExpiresAt - time.GetUtcNow()) / 2;
            return new Held(exchanged.AccessToken, exchanged.ExpiresAt - (options.Value.RenewBefore < half ? options.Value.RenewBefore : half));
        }
        catch (OperationCanceledException exception)
        {
            throw new HttpRequestException("auth did not answer in time", exception);
        }
        catch (JsonException exception)
        {
            throw new HttpRequestException("auth answered something else than a token", exception);
        }
    }

    private sealed record Held(string Token, DateTimeOffset RenewAt);
}
