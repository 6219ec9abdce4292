using System.Net.Http.Json;
using Contracts.Characters;
using ServiceDefaults;

namespace ScanWorker.Stages;

/// <summary>Calls characters by service invocation.</summary>
public sealed class CharactersClient(HttpClient http)
{
    /// <summary>Asks for the judgement; throws <see cref="HttpRequestException"/> or <see cref="TimeoutException"/>.</summary>
    public async Task<CharacterMatched> MatchAsync(MatchCharacter query, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var response = await http.PostAsJsonAsync("/internal/characters/match", query, TandemJson.Options, limit.Token);
            response.EnsureSuccessStatusCode();
            return await response.Content.ReadFromJsonAsync<CharacterMatched>(TandemJson.Options, limit.Token)
                ?? throw new HttpRequestException("characters answered nothing");
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no answer within {timeout}", exception);
        }
    }
}
