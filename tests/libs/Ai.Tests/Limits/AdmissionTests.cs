using Ai.Admission;
using Ai.Calls;
using Ai.Policies;
using TestKit;

namespace Ai.Tests.Limits;

public sealed class AdmissionTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _order = [];
    private readonly Dictionary<string, TaskCompletionSource> _gates = [];

    private AdmissionPolicy Policy(Action<AdmissionOptions>? configure = null) => new(
        Scripted.Options(options =>
        {
            (options.Admission.MaxConcurrentCalls, options.Admission.MaxPerUser, options.Admission.MaxPerSession) = (1, 100, 100);
            configure?.Invoke(options.Admission);
        }),
        _time);

    /// <summary>A call that notes its name when it gets a place and runs until its gate opens.</summary>
    private Task<ModelAnswer> Run(
        AdmissionPolicy policy, string name, CallScope? scope = null, ModelCallOptions? calls = null, CancellationToken cancellationToken = default)
    {
        var gate = _gates[name] = new TaskCompletionSource();
        return policy.InvokeAsync(
            Scripted.Chat(name, scope, policy: calls),
            async (_, _) =>
            {
                lock (_order)
                {
                    _order.Add(name);
                }

                await gate.Task;
                return Scripted.Text(name);
            },
            cancellationToken).AsTask();
    }

    private string[] Order
    {
        get
        {
            lock (_order)
            {
                return [.. _order];
            }
        }
    }

    private async Task<string[]> OrderAsync(int count)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Scripted.Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (Order.Length < count)
        {
            await Task.Delay(1, limit.Token);
        }

        return Order;
    }

    private async Task<string[]> DrainAsync(params Task[] calls)
    {
        for (var served = 1; served <= calls.Length; served++)
        {
            _gates[(await OrderAsync(served))[served - 1]].TrySetResult();
        }

        await Task.WhenAll(calls);
        return Order;
    }

    private static CallScope At(CallPriority priority) => new() { Priority = priority };

    [Fact]
    public async Task Serves_by_priority_and_within_one_in_the_order_of_arrival()
    {
        var policy = Policy();

        Task[] calls =
        [
            Run(policy, "first"),
            Run(policy, "summary", At(CallPriority.Summary)),
            Run(policy, "dialogue 1"),
            Run(policy, "dialogue 2"),
            Run(policy, "children", At(CallPriority.Children)),
            Run(policy, "router", At(CallPriority.Router)),
            Run(policy, "guardrail 1", At(CallPriority.Guardrail)),
            Run(policy, "guardrail 2", At(CallPriority.Guardrail)),
        ];

        Assert.Equal(
            ["first", "guardrail 1", "guardrail 2", "router", "children", "dialogue 1", "dialogue 2", "summary"], await DrainAsync(calls));
    }

    [Fact]
    public async Task Lets_nobody_be_overtaken_without_end()
    {
        // Four classes lie between them, so a head start of 4 s: the second check comes 100 ms too late to overtake.
        var policy = Policy();
        var first = Run(policy, "first");
        var summary = Run(policy, "summary", At(CallPriority.Summary));
        _time.Advance(TimeSpan.FromSeconds(3.9));
        var overtakes = Run(policy, "overtakes", At(CallPriority.Guardrail));
        _time.Advance(TimeSpan.FromSeconds(0.2));
        var late = Run(policy, "late", At(CallPriority.Guardrail));

        Assert.Equal(["first", "overtakes", "summary", "late"], await DrainAsync(first, summary, overtakes, late));
    }

    [Fact]
    public async Task Passes_over_who_waits_only_for_an_own_place()
    {
        var policy = Policy(options => (options.MaxConcurrentCalls, options.MaxPerUser, options.MaxPerSession) = (4, 2, 1));
        var calls = new List<Task>
        {
            Run(policy, "a1", new CallScope { User = "a", Session = "a1" }),
            Run(policy, "a1 again", new CallScope { User = "a", Session = "a1" }),
            Run(policy, "a2", new CallScope { User = "a", Session = "a2" }),
            Run(policy, "a3", new CallScope { User = "a", Session = "a3" }),
            Run(policy, "b", new CallScope { User = "b" }),
        };
        Assert.Equal(["a1", "a2", "b"], Order);

        _gates["b"].SetResult();
        await calls[4];
        Assert.Equal(3, Order.Length);
        _gates["a1"].SetResult();
        Assert.Equal("a1 again", (await OrderAsync(4))[3]);
        _gates["a2"].SetResult();
        _gates["a1 again"].SetResult();
        _gates["a3"].SetResult();
        await Task.WhenAll(calls);
    }

    [Fact]
    public async Task Keeps_the_places_of_a_model()
    {
        var policy = Policy(options => options.MaxConcurrentCalls = 10);
        var calls = new ModelCallOptions { MaxConcurrentCalls = 2 };

        Task[] all = [Run(policy, "1", calls: calls), Run(policy, "2", calls: calls), Run(policy, "3", calls: calls)];

        Assert.Equal(["1", "2"], Order);
        Assert.Equal(3, (await DrainAsync(all)).Length);
    }

    [Fact]
    public async Task Declines_after_the_longest_wait_and_says_when_to_come_back()
    {
        var policy = Policy();
        var first = Run(policy, "first");
        var second = Run(policy, "second");
        _time.Advance(TimeSpan.FromSeconds(5));

        var failure = await Assert.ThrowsAsync<ModelException>(() => second);

        Assert.Equal(("LLM_BUSY", ModelFailure.Busy, true), (failure.Code, failure.Failure, failure.IsTransient));
        Assert.InRange(failure.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
        Assert.Contains("MaxWait", failure.Message);
        Assert.Equal(["first"], await DrainAsync(first));
        Assert.Equal("third", Scripted.TextOf(await DrainOneAsync(policy, "third")));
    }

    private async Task<ModelAnswer> DrainOneAsync(AdmissionPolicy policy, string name)
    {
        var call = Run(policy, name);
        _gates[name].SetResult();
        return await call;
    }

    [Fact]
    public async Task Declines_at_once_when_the_line_is_full()
    {
        var policy = Policy(options => options.MaxWaiting = 1);
        var first = Run(policy, "first");
        var second = Run(policy, "second");

        var failure = await Assert.ThrowsAsync<ModelException>(() => Run(policy, "third"));

        Assert.Contains("MaxWaiting", failure.Message);
        Assert.Equal(["first", "second"], await DrainAsync(first, second));
    }

    [Fact]
    public async Task Estimates_the_wait_from_how_long_calls_take()
    {
        var policy = Policy(options => options.MaxWaiting = 0);
        for (var turn = 0; turn < 50; turn++)
        {
            var call = Run(policy, $"{turn}");
            _time.Advance(TimeSpan.FromSeconds(20));
            _gates[$"{turn}"].SetResult();
            await call;
        }

        var last = Run(policy, "last");

        Assert.Equal(TimeSpan.FromSeconds(20), (await Assert.ThrowsAsync<ModelException>(() => Run(policy, "declined"))).RetryAfter);
        _gates["last"].SetResult();
        await last;
    }

    [Fact]
    public async Task Forgets_a_waiting_call_that_is_cancelled()
    {
        var policy = Policy();
        using var cancel = new CancellationTokenSource();
        var first = Run(policy, "first");
        var second = Run(policy, "second", cancellationToken: cancel.Token);
        var third = Run(policy, "third");

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        Assert.Equal(["first", "third"], await DrainAsync(first, third));
    }

    [Fact]
    public async Task Gives_the_place_back_once_whatever_the_end()
    {
        var policy = Policy();
        await Assert.ThrowsAsync<ModelException>(() => policy.InvokeAsync(
            Scripted.Chat(), (_, _) => throw new ModelException(ModelFailure.ServerError, "down"), Scripted.Cancel).AsTask());

        // A stream keeps it until its end, and an early reader's leave is an end.
        var stream = (StreamedAnswer)await policy.InvokeAsync(Scripted.Chat(), async (_, _) => await Scripted.StreamAsync("a", "b"), Scripted.Cancel);
        var waiting = Run(policy, "waiting");
        Assert.Empty(Order);
        await stream.DisposeAsync();
        await stream.DisposeAsync();
        await OrderAsync(1);

        // Given back twice, there would be two places now.
        var another = Run(policy, "another");
        Assert.Equal(["waiting"], Order);
        await DrainAsync(waiting, another);
    }

    [Fact]
    public async Task Stays_within_its_places_under_a_storm_of_calls_and_cancellations()
    {
        var policy = new AdmissionPolicy(
            Scripted.Options(options => (options.Admission.MaxConcurrentCalls, options.Admission.MaxWait) = (8, TimeSpan.FromMinutes(5))), TimeProvider.System);
        var (running, most, served, cancelled) = (0, 0, 0, 0);
        async Task OneAsync(int number)
        {
            using var cancel = new CancellationTokenSource();
            if (number % 3 == 0)
            {
                cancel.CancelAfter(number % 7);
            }

            try
            {
                await policy.InvokeAsync(
                    Scripted.Chat(scope: new CallScope { User = $"{number % 20}", Priority = (CallPriority)(number % 5) }),
                    async (_, _) =>
                    {
                        var now = Interlocked.Increment(ref running);
                        InterlockedMax(ref most, now);
                        await Task.Yield();
                        Interlocked.Decrement(ref running);
                        return Scripted.Text("ok");
                    },
                    cancel.Token);
                Interlocked.Increment(ref served);
            }
            catch (OperationCanceledException)
            {
                Interlocked.Increment(ref cancelled);
            }
        }

        for (var round = 0; round < 20; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(number => Task.Run(() => OneAsync(number))));
        }

        Assert.Equal(4000, served + cancelled);
        Assert.InRange(most, 1, 8);
        Assert.Equal(0, running);
        // Every place is free again.
        var gate = new TaskCompletionSource();
        var all = Enumerable.Range(0, 8).Select(_ => policy.InvokeAsync(
            Scripted.Chat(),
            async (_, _) =>
            {
                Interlocked.Increment(ref running);
                await gate.Task;
                return Scripted.Text("ok");
            },
            Scripted.Cancel).AsTask()).ToArray();
        Assert.Equal(8, running);
        gate.SetResult();
        await Task.WhenAll(all);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = Volatile.Read(ref most); value > seen; seen = Volatile.Read(ref most))
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    [Fact]
    public async Task Measures_the_line_and_the_wait()
    {
        using var readings = new Readings();
        var policy = Policy();
        // Other tests of the process use the same instruments; nobody else waits at this priority for exactly so long.
        var first = Run(policy, "first", At(CallPriority.Router));
        var second = Run(policy, "second", At(CallPriority.Router));
        Assert.Contains(1, readings.Of("tandem.ai.admission.waiting", ("priority", "router")));
        _time.Advance(TimeSpan.FromSeconds(1.234));
        await DrainAsync(first, second);

        Assert.Contains(1.234, readings.Of("tandem.ai.admission.wait", ("priority", "router"), ("outcome", "admitted")));
        Assert.Contains(-1, readings.Of("tandem.ai.admission.waiting", ("priority", "router")));
    }
}
