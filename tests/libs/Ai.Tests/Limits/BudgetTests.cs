using System.Text.Json;
using Ai.Budgets;
using Ai.Calls;
using Ai.Catalogue;
using Ai.Policies;
using Microsoft.Extensions.AI;
using TestKit;

namespace Ai.Tests.Limits;

public sealed class BudgetTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly ManualTimeProvider _time = new(Noon);
    private readonly FakeSharedState _store = new();

    private BudgetPolicy Policy(Action<BudgetOptions> configure, TimeProvider? time = null)
    {
        void Configure(AiOptions options)
        {
            // The first call of a test reads, later ones only where the test says so.
            options.Budget.Freshness = TimeSpan.FromHours(1);
            configure(options.Budget);
        }

        return new(Scripted.Options(Configure), _store.Shared(time ?? _time, Configure), time ?? _time);
    }

    /// <summary>A dollar for a million tokens read, ten for a million written.</summary>
    private static ValueTask<ModelAnswer> SpendAsync(BudgetPolicy policy, long input, long output = 0, CallScope? scope = null, ModelInfo? model = null) =>
        policy.InvokeAsync(
            Scripted.Chat(scope: scope, options: new ChatOptions { MaxOutputTokens = 1 }, model: model),
            (_, _) => ValueTask.FromResult<ModelAnswer>(Scripted.Text("ok", input, output)), Scripted.Cancel);

    private static async Task<ModelException> RefusedAsync(BudgetPolicy policy, CallScope? scope = null, ModelInfo? model = null) =>
        await Assert.ThrowsAsync<ModelException>(() => SpendAsync(policy, 1, scope: scope, model: model).AsTask());

    /// <summary>Waits until what was spent is in the store.</summary>
    private async Task<BudgetDocument> StoredAsync(string key, Func<BudgetDocument, bool> expected)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Scripted.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (_store.Documents.FirstOrDefault(document => document.Key == key).Json is { } json
                && JsonSerializer.Deserialize<BudgetDocument>(json) is { } found && expected(found))
            {
                return found;
            }

            await Task.Delay(1, limit.Token);
        }
    }

    [Fact]
    public async Task Counts_nothing_without_a_limit()
    {
        await SpendAsync(Policy(_ => { }), 1_000_000_000);

        Assert.Equal(0, _store.Reads);
    }

    [Fact]
    public async Task Declines_when_the_money_of_the_day_is_spent_until_the_day_is_over()
    {
        var policy = Policy(options => options.DailyUsd = 1);
        await SpendAsync(policy, 500_000, 49_999);

        var failure = await RefusedAsync(policy);

        Assert.Equal(("MODEL_BUDGET_SPENT", ModelFailure.BudgetSpent, false), (failure.Code, failure.Failure, failure.IsTransient));
        Assert.Equal(TimeSpan.FromHours(12), failure.RetryAfter);
        Assert.Contains("US dollars", failure.Message);
        Assert.Equal(new BudgetDocument(0.99999m, 549_999), await StoredAsync("ai-budget:2026-03-01:day", _ => true));
        _time.Advance(TimeSpan.FromHours(12));
        await SpendAsync(policy, 1);
    }

    [Fact]
    public async Task Begins_the_day_where_the_option_says()
    {
        var policy = Policy(options => (options.DailyTokens, options.UtcOffset) = (10, TimeSpan.FromHours(9)));
        await SpendAsync(policy, 10);

        Assert.Equal(TimeSpan.FromHours(3), (await RefusedAsync(policy)).RetryAfter);
    }

    [Fact]
    public async Task Limits_each_user_and_each_task_by_itself()
    {
        var policy = Policy(options =>
        {
            options.UserDailyTokens = 100;
            options.TaskDailyUsd["grade"] = 0.0001m;
        });
        var (ann, bob) = (new CallScope { User = "ann" }, new CallScope { User = "b|b" });
        await SpendAsync(policy, 100, scope: ann);

        Assert.Contains("user", (await RefusedAsync(policy, ann)).Message);
        await SpendAsync(policy, 50, scope: bob);
        await SpendAsync(policy, 1_000_000);
        await SpendAsync(policy, 100, scope: new CallScope { Task = "grade" });
        Assert.Contains("task", (await RefusedAsync(policy, new CallScope { Task = "grade" })).Message);
        await StoredAsync("ai-budget:2026-03-01:user:b%7Cb", spent => spent.Tokens == 50);
    }

    [Fact]
    public async Task Sets_the_estimate_aside_while_a_call_runs_and_settles_it_at_the_end()
    {
        var policy = Policy(options => options.DailyTokens = 1_000);
        var options = new ChatOptions { MaxOutputTokens = 900 };
        var stream = (StreamedAnswer)await policy.InvokeAsync(Scripted.Chat(options: options, streamed: true), async (_, _) => await Scripted.StreamAsync("a", "b"), Scripted.Cancel);

        await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(
            Scripted.Chat(options: options), (_, _) => ValueTask.FromResult<ModelAnswer>(Scripted.Text("ok")), Scripted.Cancel).AsTask());
        await Scripted.ReadAsync(stream);

        await policy.InvokeAsync(Scripted.Chat(options: options), (_, _) => ValueTask.FromResult<ModelAnswer>(Scripted.Text("ok")), Scripted.Cancel);
        // Ten and five tokens each.
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 30);
    }

    [Theory]
    [InlineData(ModelFailure.RateLimited, 0)]
    [InlineData(ModelFailure.Busy, 0)]
    [InlineData(ModelFailure.NoFirstByte, 102)]
    public async Task Charges_a_failure_only_where_the_provider_may_have_begun(ModelFailure failure, long tokens)
    {
        var policy = Policy(options => options.DailyTokens = 1_000);

        await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(
            Scripted.Chat(options: new ChatOptions { MaxOutputTokens = 100 }), (_, _) => throw new ModelException(failure, "no"), Scripted.Cancel).AsTask());

        // What is left of the limit tells what was charged.
        await SpendAsync(policy, 1_000 - tokens - 3);
        await SpendAsync(policy, 0);
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 997);
    }

    [Fact]
    public async Task Counts_only_tokens_where_the_price_is_not_known_and_nothing_of_the_local_provider()
    {
        var policy = Policy(options => (options.DailyUsd, options.DailyTokens) = (1, 2_000_000));

        await SpendAsync(policy, 1_500_000, model: Scripted.Model with { Price = new() });
        Assert.Contains("tokens", (await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(
            Scripted.Chat(new string('x', 4_000_000), model: Scripted.Model with { Price = new() }), (_, _) => throw new InvalidOperationException(), Scripted.Cancel).AsTask())).Message);

        Assert.Equal(new BudgetDocument(0, 1_500_000), await StoredAsync("ai-budget:2026-03-01:day", _ => true));
        await SpendAsync(policy, 9_000_000, model: Scripted.Model with { Provider = "local", Id = "local" });
    }

    [Fact]
    public async Task Shares_a_budget_between_replicas()
    {
        var (one, other) = (Policy(options => options.DailyTokens = 100), Policy(options => options.DailyTokens = 100));
        await SpendAsync(one, 100);
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 100);

        Assert.Equal(ModelFailure.BudgetSpent, (await RefusedAsync(other)).Failure);
    }

    [Fact]
    public async Task Learns_what_others_spent_after_a_second_and_reads_no_more_often()
    {
        var (one, other) = (Policy(options => options.DailyTokens = 100), Policy(options => (options.DailyTokens, options.Freshness) = (100, TimeSpan.FromSeconds(1))));
        await SpendAsync(other, 0);
        var reads = _store.Reads;
        await SpendAsync(other, 0);
        Assert.Equal(reads, _store.Reads);
        await SpendAsync(one, 100);
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 100);
        _time.Advance(TimeSpan.FromSeconds(1));

        await RefusedAsync(other);
    }

    [Fact]
    public async Task Loses_nothing_when_many_replicas_spend_at_once()
    {
        var replicas = Enumerable.Range(0, 8).Select(_ => Policy(options => options.DailyTokens = long.MaxValue / 2, new NoonTime())).ToArray();

        await Task.WhenAll(replicas.SelectMany(replica => Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await SpendAsync(replica, 7)))));
        // A last write of each that gave up goes with its next call.
        foreach (var replica in replicas)
        {
            await SpendAsync(replica, 1);
        }

        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 8 * 100 * 7 + 8);
        Assert.InRange(_store.Writes, 1, 808);
    }

    [Fact]
    public async Task Writes_again_what_somebody_else_was_faster_with()
    {
        var policy = Policy(options => options.DailyTokens = 1_000);
        var once = 0;
        _store.AfterRead = () =>
        {
            if (_store.Reads == 2 && Interlocked.Increment(ref once) == 1)
            {
                _ = _store.WriteAsync("ai-budget:2026-03-01:day", new BudgetDocument(0, 500), TimeSpan.FromDays(2), CancellationToken.None);
            }
        };

        await SpendAsync(policy, 10);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (_store.Conflicts == 0)
        {
            await Task.Delay(1, limit.Token);
        }

        while (!_store.Documents.Any(document => document.Json.Contains("510", StringComparison.Ordinal)))
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(1, limit.Token);
        }
    }

    [Fact]
    public async Task Counts_alone_while_the_store_is_away_and_adds_it_when_it_is_back()
    {
        _store.IsAway = true;
        var policy = Policy(options => options.DailyTokens = 100);
        await SpendAsync(policy, 60);
        await SpendAsync(policy, 40);
        await RefusedAsync(policy);

        _store.IsAway = false;
        _time.Advance(TimeSpan.FromSeconds(5));
        var more = Policy(options => options.DailyTokens = 1_000);
        await SpendAsync(more, 1);
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 1);
        await RefusedAsync(policy);
        await StoredAsync("ai-budget:2026-03-01:day", spent => spent.Tokens == 101);
    }

    [Fact]
    public async Task Declines_without_the_store_where_the_option_says_so()
    {
        _store.IsAway = true;
        var policy = Policy(options => (options.DailyTokens, options.AllowWithoutStore) = (100, false));

        var failure = await RefusedAsync(policy);

        Assert.Equal((ModelFailure.BudgetSpent, TimeSpan.FromSeconds(5)), (failure.Failure, failure.RetryAfter));
    }

    [Fact]
    public async Task Measures_what_was_spent_and_declined()
    {
        using var readings = new Readings();
        var policy = Policy(options => options.DailyUsd = 3);
        var model = Scripted.Model with { Name = "measured" };
        await SpendAsync(policy, 1_000_000, 100_000, model: model);
        await SpendAsync(policy, 1_000_000, model: model);

        await RefusedAsync(policy, model: model);

        Assert.Equal(3d, readings.Sum("tandem.ai.budget.spent", ("gen_ai.request.model", "measured")));
        Assert.InRange(readings.Sum("tandem.ai.budget.declined", ("budget", "day")), 1, double.MaxValue);
    }
}
