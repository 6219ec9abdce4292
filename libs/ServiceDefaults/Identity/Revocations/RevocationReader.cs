using Contracts;
using Contracts.Identity;
using Dapr;
using Dapr.Client;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Identity;

/// <summary>Reads the documents of all hours in which a token that is valid now can expire. Sealed ones do not change and are read once.</summary>
internal sealed class RevocationReader(DaprClient dapr, TimeProvider time, IOptions<IdentityOptions> identity, IOptions<RevocationOptions> options)
{
    /// <summary>Documents of one bulk reading: a full one has about 40 KB, and a sidecar's answers are limited to 4 MiB by default.</summary>
    private const int MaxDocuments = 64;

    private readonly Dictionary<string, int> _sealed = new(StringComparer.Ordinal);
    private long _firstHour;

    /// <summary>Everything that was revoked, or what is new in it; throws when a document cannot be read. One call at a time.</summary>
    public async Task<List<Revocation>> ReadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var leeway = 2 * identity.Value.Leeway;
        var (first, last) = (RevocationKeys.HourOf(now - leeway), RevocationKeys.HourOf(now + options.Value.Horizon + leeway));
        var keys = new List<string>();
        for (var hour = first; hour <= last; hour++)
        {
            for (var part = 0; part < RevocationDocument.Parts; part++)
            {
                keys.Add(RevocationKeys.Of(hour, part));
            }
        }

        var revocations = new List<Revocation>();
        var more = new List<string>();
        var counts = new List<(string Key, int Sealed)>();
        await foreach (var (key, document) in ReadManyAsync(keys, cancellationToken))
        {
            if (document is null)
            {
                continue;
            }

            revocations.AddRange(document.Revocations);
            for (var number = _sealed.GetValueOrDefault(key) + 1; number <= document.Sealed; number++)
            {
                more.Add(RevocationKeys.Sealed(key, number));
            }

            counts.Add((key, document.Sealed));
        }

        await foreach (var (key, document) in ReadManyAsync(more, cancellationToken))
        {
            revocations.AddRange((document ?? throw new DaprException($"'{key}' is counted as sealed and not there")).Revocations);
        }

        if (first != _firstHour)
        {
            _sealed.Clear();
            _firstHour = first;
        }

        foreach (var (key, count) in counts)
        {
            _sealed[key] = count;
        }

        return revocations;
    }

    private async IAsyncEnumerable<(string Key, RevocationDocument? Document)> ReadManyAsync(
        List<string> keys, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var chunk in keys.Chunk(MaxDocuments))
        {
            foreach (var item in await dapr.GetBulkStateAsync<RevocationDocument>(
                Components.Revocations, chunk, parallelism: null, cancellationToken: cancellationToken))
            {
                yield return (item.Key, item.Value);
            }
        }
    }
}
