using System.Diagnostics.Metrics;
using Ai.Budgets;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Local;
using Ai.Sharing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Ai.Policies;

/// <summary>
/// Declines calls when the money or the tokens of the day, the user or the task are spent. A call's estimate is set aside before it and replaced
/// by its usage after it. The local provider costs nothing and is not counted, so it can answer in place of a model that has become too dear.
/// </summary>
internal sealed class BudgetPolicy(IOptions<AiOptions> options, SharedState store, TimeProvider time) : IModelPolicy
{
    private static readonly Counter<double> Spent = AiTelemetry.Meter.CreateCounter<double>(
        "tandem.ai.budget.spent", "{USD}", "US dollars spent on model calls that count towards a budget");

    private static readonly Counter<long> Declined = AiTelemetry.Meter.CreateCounter<long>(
        "tandem.ai.budget.declined", "{request}", "Model calls declined because a budget is spent");

    private readonly BudgetOptions _options = options.Value.Budget;
    private readonly Ledger _ledger = new(options.Value.Budget, store, time);

    public PolicyPlace Place => PolicyPlace.Budget;

    public ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var accounts = call.Model.Provider == LocalProvider.Name ? [] : _ledger.AccountsOf(call.Scope);
        return accounts.Count == 0 ? next(call, cancellationToken) : ChargeAsync(call, accounts, next, cancellationToken);
    }

    private async ValueTask<ModelAnswer> ChargeAsync(
        ModelCall call, IReadOnlyList<Account> accounts, ModelHandler next, CancellationToken cancellationToken)
    {
        if (!await _ledger.RefreshAsync(accounts, cancellationToken) && !_options.AllowWithoutStore)
        {
            throw Refuse("store", "the budget cannot be checked while the state store is away (Ai:Budget:AllowWithoutStore)", store.Pause);
        }

        var expected = TokenEstimate.Of(call);
        var estimate = SpendingOf(call, expected);
        if (_ledger.TryReserve(accounts, estimate) is { } refused)
        {
            throw Refuse(refused.Account.Kind, $"{refused.Refusal}; it begins anew in {_ledger.UntilTomorrow:hh\\:mm\\:ss}", _ledger.UntilTomorrow);
        }

        void End(CallEnd end)
        {
            // A provider that did not tell is taken to have used what was estimated, where it can have begun at all.
            var spent = end.Usage is { } usage ? SpendingOf(call, usage) : MayHaveBegun(end.Error) ? estimate : default;
            Spent.Add((double)spent.Usd, new KeyValuePair<string, object?>("gen_ai.request.model", call.Model.Name));
            _ledger.Settle(accounts, estimate, spent);
        }

        try
        {
            var answer = await next(call, cancellationToken);
            answer.WhenEnded(End);
            return answer;
        }
        catch (Exception exception)
        {
            End(new CallEnd(Usage: null, exception));
            throw;
        }
    }

    private static ModelException Refuse(string budget, string message, TimeSpan retryAfter)
    {
        Declined.Add(1, new KeyValuePair<string, object?>("budget", budget));
        return new ModelException(ModelFailure.BudgetSpent, message) { RetryAfter = retryAfter };
    }

    private static bool MayHaveBegun(Exception? error) => error switch
    {
        null => true,
        ModelException { Failure: ModelFailure.Refused or ModelFailure.Truncated or ModelFailure.TotalTimeout } => true,
        ModelException failed => failed.Rule.Resend == Resend.MayBillTwice,
        // The caller left: the provider works on, as a rule, and bills.
        OperationCanceledException => true,
        _ => false,
    };

    /// <summary>Without a price only the tokens count.</summary>
    private static Spending SpendingOf(ModelCall call, UsageDetails usage)
    {
        var tokens = usage.TotalTokenCount ?? (usage.InputTokenCount ?? 0) + (usage.OutputTokenCount ?? 0);
        return new Spending(ModelCost.Of(call, call.Model, usage) ?? 0, tokens);
    }
}
