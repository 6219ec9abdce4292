using System.Globalization;
using Contracts;
using Contracts.Identity;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Auth.Revocations;

/// <summary>
/// Revokes sessions and tokens: first the shared documents, which are the truth, then the announcement, which only makes it fast. The caller
/// has its answer when the documents have it.
/// </summary>
internal sealed partial class RevocationStore(
    DaprClient dapr, RevocationAnnouncer announcer, RevokedTokens revoked, TimeProvider time, IOptions<IdentityOptions> identity,
    IOptions<RevocationOptions> options, ILogger<RevocationStore> logger)
{
    /// <summary>One write at a time per part: replicas compete for a document, requests of one replica do not.</summary>
    private readonly SemaphoreSlim[] _gates = [.. Enumerable.Range(0, RevocationDocument.Parts).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Revokes a session (claim <c>sid</c>) or a token (claim <c>jti</c>). Idempotent by id; an end that has passed changes nothing.</summary>
    public Task RevokeAsync(string id, DateTimeOffset expiresAt, string reason, CancellationToken cancellationToken) =>
        RevokeAsync([(id, expiresAt)], reason, cancellationToken);

    /// <summary>
    /// Revokes several at once, in one write per document. When a write fails the others stand and the call throws: say it again.
    /// </summary>
    public async Task RevokeAsync(IReadOnlyCollection<(string Id, DateTimeOffset ExpiresAt)> ids, string reason, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var latest = now + options.Value.Horizon;
        var documents = ids
            .Where(item => item.ExpiresAt + (2 * identity.Value.Leeway) > now)
            .Select(item => new Revocation(item.Id, item.ExpiresAt < latest ? item.ExpiresAt : latest, reason, now))
            .GroupBy(revocation => (Hour: RevocationKeys.HourOf(revocation.ExpiresAt), Part: RevocationKeys.PartOf(revocation.Id)));
        await Task.WhenAll(documents.Select(document => RevokeAsync(document.Key.Hour, document.Key.Part, [.. document], cancellationToken)));
    }

    private async Task RevokeAsync(long hour, int part, Revocation[] revocations, CancellationToken cancellationToken)
    {
        await _gates[part].WaitAsync(cancellationToken);
        try
        {
            await StoreAsync(RevocationKeys.Of(hour, part), LifetimeOf(hour), revocations, cancellationToken);
        }
        finally
        {
            _gates[part].Release();
        }

        foreach (var revocation in revocations)
        {
            revoked.Add(revocation.Id, revocation.ExpiresAt);
            LogRevoked(logger, revocation.Id, revocation.Reason);
        }

        // Also when it was stored before: who did that may have gone before it could tell.
        announcer.Announce(revocations);
    }

    /// <summary>
    /// Writes the document by etag. A full one is sealed first: copied to a document of its own, which two replicas write alike, and then
    /// counted and emptied. So a write costs the same however much is revoked.
    /// </summary>
    private async Task StoreAsync(string key, TimeSpan lifetime, Revocation[] revocations, CancellationToken cancellationToken)
    {
        while (true)
        {
            var isFull = false;
            var document = await dapr.UpdateStateAsync<RevocationDocument>(
                Components.Revocations, key, stored => Add(stored, revocations, out isFull), lifetime, cancellationToken);
            if (!isFull)
            {
                return;
            }

            var number = document.Sealed + 1;
            await dapr.SaveStateAsync(
                Components.Revocations, RevocationKeys.Sealed(key, number), new RevocationDocument(document.Revocations),
                metadata: new Dictionary<string, string> { ["ttlInSeconds"] = ((long)lifetime.TotalSeconds).ToString(CultureInfo.InvariantCulture) },
                cancellationToken: cancellationToken);
            await dapr.UpdateStateAsync<RevocationDocument>(
                Components.Revocations, key, stored => stored?.Sealed >= number ? stored : new RevocationDocument([], number), lifetime, cancellationToken);
        }
    }

    /// <summary>The document with what it has not; the same one when it has all, or is full and has to be sealed first.</summary>
    private static RevocationDocument Add(RevocationDocument? stored, Revocation[] revocations, out bool isFull)
    {
        isFull = false;
        if (stored is null)
        {
            return new RevocationDocument(revocations);
        }

        var missing = revocations.Where(
            revocation => !stored.Revocations.Any(known => known.Id == revocation.Id && known.ExpiresAt >= revocation.ExpiresAt)).ToArray();
        isFull = missing.Length > 0 && stored.Revocations.Count >= RevocationKeys.MaxEntries;
        return isFull || missing.Length == 0 ? stored : stored with { Revocations = [.. stored.Revocations, .. missing] };
    }

    /// <summary>Until nobody, whatever its clock says, takes a token of the hour for valid.</summary>
    private TimeSpan LifetimeOf(long hour) => RevocationKeys.EndOf(hour) + (3 * identity.Value.Leeway) + TimeSpan.FromSeconds(1) - time.GetUtcNow();

    [LoggerMessage(2040, LogLevel.Information, "Revoked {Id}: {Reason}")]
    private static partial void LogRevoked(ILogger logger, string id, string reason);
}
