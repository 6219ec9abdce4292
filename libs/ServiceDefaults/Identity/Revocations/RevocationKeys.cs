using Contracts.Identity;

namespace ServiceDefaults.Identity;

/// <summary>
/// Where a revocation is stored: the document <c>revoked:{hour}:{part}</c>, by the hour (unix) in which the last of its tokens expires and by the
/// hash of its id. Writer and readers have to agree.
/// </summary>
public static class RevocationKeys
{
    /// <summary>Entries of a document before they move to the next sealed one, so that a write stays small whatever the hour brings.</summary>
    public const int MaxEntries = 250;

    /// <summary>The hour of a moment.</summary>
    public static long HourOf(DateTimeOffset moment) => moment.ToUnixTimeSeconds() / 3600;

    /// <summary>When the hour has passed.</summary>
    public static DateTimeOffset EndOf(long hour) => DateTimeOffset.FromUnixTimeSeconds((hour + 1) * 3600);

    /// <summary>Part of an id: FNV-1a, the same in every process and version.</summary>
    public static int PartOf(string id)
    {
        var hash = 2166136261u;
        foreach (var unit in id)
        {
            hash = (hash ^ unit) * 16777619u;
        }

        return (int)((hash ^ (hash >> 16)) % RevocationDocument.Parts);
    }

    /// <summary>The document that is written to.</summary>
    public static string Of(long hour, int part) => $"revoked:{hour}:{part}";

    /// <summary>A sealed document, which never changes: number 1 and so on.</summary>
    public static string Sealed(string document, int number) => $"{document}:{number}";
}
