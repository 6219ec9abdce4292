using System.Globalization;
using Ai.Calls;
using Ai.Sharing;

namespace Ai.Budgets;

/// <summary>
/// What was spent today. Each account has one document, to which every replica adds what it spent, under its etag; so no spending is lost to
/// concurrency. A call waits for the store at most once, to read what the others spent, and only when what is known is older than
/// <see cref="BudgetOptions.Freshness"/>; spending is written behind its back, several calls at once.
/// </summary>
/// <remarks>
/// A limit can be exceeded by what the replicas spend within one <see cref="BudgetOptions.Freshness"/> and a write, since only a replica's own
/// reservations are seen, and by how far estimates are too low. A crash loses what was spent by calls that ran and by those that ended within the last write.
/// </remarks>
internal sealed class Ledger(BudgetOptions options, SharedState store, TimeProvider time)
{
    private const int MaxTries = 20;
    private static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    private readonly Lock _gate = new();
    private Dictionary<(string Kind, string? Id), Account> _accounts = [];
    private DateOnly _day;

    /// <summary>Until the budgets begin anew.</summary>
    public TimeSpan UntilTomorrow
    {
        get
        {
            var now = Now;
            return now.Date.AddDays(1) - now.DateTime;
        }
    }

    private DateTimeOffset Now => time.GetUtcNow().ToOffset(options.UtcOffset);

    /// <summary>The accounts on which a call is charged.</summary>
    public List<Account> AccountsOf(CallScope scope)
    {
        var accounts = new List<Account>(3);
        lock (_gate)
        {
            var today = DateOnly.FromDateTime(Now.DateTime);
            if (today != _day)
            {
                // Calls that still run hold on to the accounts of the day on which they began.
                (_day, _accounts) = (today, []);
            }

            if (options.DailyUsd is not null || options.DailyTokens is not null)
            {
                accounts.Add(Open("day", null, options.DailyUsd, options.DailyTokens));
            }

            if (scope.User is { } user && (options.UserDailyUsd is not null || options.UserDailyTokens is not null))
            {
                accounts.Add(Open("user", user, options.UserDailyUsd, options.UserDailyTokens));
            }

            if (scope.Task is { } task && options.TaskDailyUsd.TryGetValue(task, out var usd))
            {
                accounts.Add(Open("task", task, usd, null));
            }
        }

        return accounts;
    }

    /// <summary>Learns what the other replicas spent, where that is too long ago. False: the store did not tell.</summary>
    public async ValueTask<bool> RefreshAsync(IReadOnlyList<Account> accounts, CancellationToken cancellationToken)
    {
        if (!store.Exists)
        {
            return true;
        }

        var reads = new List<Task<bool>>(accounts.Count);
        foreach (var account in accounts)
        {
            int? writes;
            lock (_gate)
            {
                writes = account.SharedAt is not { } at || time.GetElapsedTime(at) >= options.Freshness ? account.Writes : null;
            }

            if (writes is { } before)
            {
                reads.Add(ReadAsync(account, before, cancellationToken));
            }
        }

        return reads.Count == 0 || (await Task.WhenAll(reads)).All(read => read);
    }

    /// <summary>Sets the estimate aside on all accounts; else on none, with the one that has no room.</summary>
    public (Account Account, string Refusal)? TryReserve(IReadOnlyList<Account> accounts, Spending estimate)
    {
        lock (_gate)
        {
            foreach (var account in accounts)
            {
                if (account.Refusal(estimate) is { } refusal)
                {
                    return (account, refusal);
                }
            }

            foreach (var account in accounts)
            {
                account.Reserved += estimate;
            }

            return null;
        }
    }

    /// <summary>Puts what was really spent in the estimate's place and writes it, behind the caller's back.</summary>
    public void Settle(IReadOnlyList<Account> accounts, Spending estimate, Spending spent)
    {
        lock (_gate)
        {
            foreach (var account in accounts)
            {
                account.Reserved -= estimate;
                account.Unwritten += spent;
                StartWriting(account);
            }
        }
    }

    private Account Open(string kind, string? id, decimal? usd, long? tokens)
    {
        if (!_accounts.TryGetValue((kind, id), out var account))
        {
            var day = _day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            account = new Account($"ai-budget:{day}:{kind}{(id is null ? "" : $":{Uri.EscapeDataString(id)}")}", kind, usd, tokens);
            _accounts.Add((kind, id), account);
        }

        return account;
    }

    private async Task<bool> ReadAsync(Account account, int writes, CancellationToken cancellationToken)
    {
        if (await store.ReadAsync<BudgetDocument>(account.Key, cancellationToken) is not { } document)
        {
            return false;
        }

        lock (_gate)
        {
            // What this process has written meanwhile is newer than what was read.
            if (account.Writes == writes)
            {
                Learn(account, document.Value);
            }

            // What could not be written while the store was away.
            StartWriting(account);
        }

        return true;
    }

    private void StartWriting(Account account)
    {
        if (!account.IsWriting && !account.Unwritten.IsNothing && store.IsThere)
        {
            account.IsWriting = true;
            _ = WriteAsync(account);
        }
    }

    private async Task WriteAsync(Account account)
    {
        // Off the caller's way, and outside of its lock.
        await Task.Yield();
        for (var attempt = 0; attempt < MaxTries; attempt++)
        {
            Spending more;
            lock (_gate)
            {
                more = account.Unwritten;
                if (more.IsNothing)
                {
                    account.IsWriting = false;
                    return;
                }
            }

            if (await store.ReadAsync<BudgetDocument>(account.Key, CancellationToken.None) is not { } document)
            {
                break;
            }

            var sum = Of(document.Value) + more;
            var next = new BudgetDocument(sum.Usd, sum.Tokens);
            switch (await store.TryReplaceAsync(account.Key, next, document.ETag, Kept, CancellationToken.None))
            {
                case null:
                    // Perhaps it was written: then it is counted twice, and never not at all.
                    attempt = MaxTries;
                    break;
                case true:
                    lock (_gate)
                    {
                        account.Unwritten -= more;
                        account.Writes++;
                        Learn(account, next);
                    }

                    attempt = -1;
                    break;
                default:
                    await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(1, 10 * (attempt + 1))), time);
                    break;
            }
        }

        lock (_gate)
        {
            // The next call that ends tries again.
            account.IsWriting = false;
        }
    }

    private void Learn(Account account, BudgetDocument? document)
    {
        account.Shared = Of(document);
        account.SharedAt = time.GetTimestamp();
    }

    private static Spending Of(BudgetDocument? document) => document is null ? default : new Spending(document.Usd, document.Tokens);
}
