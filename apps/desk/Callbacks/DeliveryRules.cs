using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ServiceDefaults.GuardedFetch;

namespace Desk.Callbacks;

/// <summary>What an attempt comes to.</summary>
public enum AttemptVerdict
{
    /// <summary>The receiver has it.</summary>
    Delivered,

    /// <summary>Another attempt may succeed.</summary>
    Retry,

    /// <summary>No attempt will.</summary>
    Refused,

    /// <summary>The receiver wants nothing any more (410).</summary>
    Gone,

    /// <summary>Whom it answers has deleted the account: nothing of it is kept.</summary>
    Withdrawn,
}

/// <summary>Which answers are final (Standard Webhooks 1.0.0), and how long to wait after the others. Pure: workflow code calls it.</summary>
public static class DeliveryRules
{
    /// <summary>2xx is success, 410 the end of the receiver; 408, 409, 425, 429 and what is no 4xx, redirects among it, may be mended; other 4xx not.</summary>
    public static AttemptVerdict Judge(PostResult result) => result switch
    {
        { IsForbidden: true } => AttemptVerdict.Refused,
        { Status: >= 200 and <= 299 } => AttemptVerdict.Delivered,
        { Status: 410 } => AttemptVerdict.Gone,
        { Status: 408 or 409 or 425 or 429 } => AttemptVerdict.Retry,
        { Status: >= 400 and <= 499 } => AttemptVerdict.Refused,
        _ => AttemptVerdict.Retry,
    };

    /// <summary>The wait after an attempt: the ladder's with jitter, or the receiver's wish when that is longer. The same whenever it is asked.</summary>
    /// <param name="id">Message.</param>
    /// <param name="attempt">1-based attempt that has failed.</param>
    /// <param name="ladder">The ladder's wait after it.</param>
    /// <param name="jitter">Share by which it varies.</param>
    /// <param name="wish">The receiver's wish, capped already.</param>
    public static TimeSpan Wait(Guid id, int attempt, TimeSpan ladder, double jitter, TimeSpan? wish)
    {
        // -1 to 1 from the id: no random numbers in a workflow, and no two messages alike.
        var chance = (BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{id}/{attempt}"))) / (double)uint.MaxValue * 2) - 1;
        var wait = ladder * (1 + (jitter * chance));
        return wish > wait ? wish.Value : wait;
    }
}
