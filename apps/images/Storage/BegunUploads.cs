using Contracts;
using Dapr.Client;
using ServiceDefaults;

namespace Images.Storage;

/// <summary>Something that was begun for a user: the key of a ticket, or what <see cref="GeneratedImages.ListedAs"/> says.</summary>
public sealed record BegunUpload(string User, string Key);

/// <summary>
/// What was begun, listed by the minute in the documents <c>due:{minute}:{part}</c> until <see cref="UploadSweeper"/> has looked after it.
/// </summary>
internal sealed class BegunUploads(DaprClient dapr, TimeProvider time)
{
    /// <summary>Documents of a minute, so that those who begin at the same time seldom wait for each other.</summary>
    public const int Parts = 4;

    /// <summary>The minute of a time.</summary>
    public static long MinuteOf(DateTimeOffset at) => at.ToUnixTimeSeconds() / 60;

    /// <summary>Lists what is about to begin. May be repeated.</summary>
    public Task AddAsync(string user, string key, CancellationToken cancellationToken)
    {
        var begun = new BegunUpload(user, key);
        return dapr.UpdateStateAsync<List<BegunUpload>>(
            Components.StateStore, Document(MinuteOf(time.GetUtcNow()), Random.Shared.Next(Parts)),
            stored => stored is null ? [begun] : stored.Contains(begun) ? stored : [.. stored, begun], cancellationToken: cancellationToken);
    }

    /// <summary>What began in a part of a minute; null when nothing did, or it is looked after.</summary>
    public async Task<IReadOnlyList<BegunUpload>?> ReadAsync(long minute, int part, CancellationToken cancellationToken) =>
        await dapr.GetStateAsync<List<BegunUpload>?>(Components.StateStore, Document(minute, part), cancellationToken: cancellationToken);

    public Task DeleteAsync(long minute, int part, CancellationToken cancellationToken) =>
        dapr.DeleteStateAsync(Components.StateStore, Document(minute, part), cancellationToken: cancellationToken);

    private static string Document(long minute, int part) => $"due:{minute}:{part}";
}
