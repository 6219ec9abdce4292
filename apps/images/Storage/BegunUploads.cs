using System.Security.Cryptography;
using System.Text;
using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>Something that was begun for a user: the key of a ticket, or what <see cref="GeneratedImages.ListedAs"/> says.</summary>
public sealed record BegunUpload(string User, string Key);

/// <summary>
/// What was begun, listed by the minute in the documents <c>due:{minute}:{part}</c> until <see cref="UploadSweeper"/> has looked after it. Everybody who
/// uploads writes to them, so there are many: what two write to at a time one of them writes again.
/// </summary>
internal sealed class BegunUploads(DaprClient dapr, TimeProvider time)
{
    /// <summary>
    /// Documents of a minute. Of as many uploads at a time as there are parts only a few meet in one, fewer than a write has tries. There cannot be more, since
    /// one byte chooses; with fewer the sweep would miss what was begun before.
    /// </summary>
    private const int Parts = 256;

    /// <summary>The minute of a time.</summary>
    public static long MinuteOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / 60;

    /// <summary>Lists what is about to begin. May be repeated.</summary>
    public Task AddAsync(string user, string key, CancellationToken cancellationToken)
    {
        var begun = new BegunUpload(user, key);
        return dapr.UpdateStateAsync<List<BegunUpload>>(
            Components.StateStore, Document(MinuteOf(time.GetUtcNow()), PartOf(key)),
            stored => stored is null ? [begun] : stored.Contains(begun) ? stored : [.. stored, begun], cancellationToken: cancellationToken);
    }

    /// <summary>What began in a minute, by the documents that list it, which <see cref="DeleteAsync"/> takes. None when it is looked after.</summary>
    public async Task<IReadOnlyList<(string Document, IReadOnlyList<BegunUpload> Uploads)>> ReadAsync(long minute, CancellationToken cancellationToken)
    {
        string[] documents = [.. Enumerable.Range(0, Parts).Select(part => Document(minute, part))];
        var found = await dapr.GetBulkStateAsync<List<BegunUpload>?>(Components.StateStore, documents, parallelism: null, cancellationToken: cancellationToken);
        return [.. found.Where(item => item.Value is not null).Select(item => (item.Key, (IReadOnlyList<BegunUpload>)item.Value!))];
    }

    public Task DeleteAsync(string document, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, document, cancellationToken: cancellationToken);

    private static string Document(long minute, int part) => $"due:{minute}:{part}";

    /// <summary>The same for a repetition.</summary>
    private static int PartOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key))[0] % Parts;
}
