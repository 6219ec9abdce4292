using System.Diagnostics;
using Ai.Calls;
using ModelServers;

namespace Ai.Tests.Policies;

/// <summary>
/// Each fault of a provider × each policy, over a real protocol server with all policies in place. What is to be seen comes from the table of
/// docs/models.md. A new policy without a row fails.
/// </summary>
public sealed class FaultMatrixTests
{
    private static readonly TimeSpan CoolDown = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Disabled = TimeSpan.FromMinutes(10);

    private static readonly Dictionary<PolicyPlace, Func<Fault, Task>> Rows = new()
    {
        [PolicyPlace.Moderation] = ModerationAsync,
        [PolicyPlace.Cache] = CacheAsync,
        [PolicyPlace.TotalTimeout] = TotalTimeoutAsync,
        [PolicyPlace.Fallback] = FallbackAsync,
        [PolicyPlace.Telemetry] = TelemetryAsync,
        [PolicyPlace.Budget] = BudgetAsync,
        [PolicyPlace.Admission] = AdmissionAsync,
        [PolicyPlace.Retry] = RetryAsync,
        [PolicyPlace.Breaker] = BreakerAsync,
        [PolicyPlace.Keys] = KeysAsync,
        [PolicyPlace.Timeouts] = TimeoutsAsync,
    };

    public static MatrixTheoryData<string, PolicyPlace> Cells => new(Fault.All.Select(fault => fault.Name), Enum.GetValues<PolicyPlace>());

    [Theory]
    [MemberData(nameof(Cells))]
    public Task Is_as_documented(string fault, PolicyPlace policy) =>
        Rows.TryGetValue(policy, out var row) ? row(Fault.All.Single(one => one.Name == fault)) : throw new InvalidOperationException($"{policy} has no row in the fault matrix");

    /// <summary>A question is judged once, however often it is sent, and every word of the answer before it is shown.</summary>
    private static async Task ModerationAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(fault);

        var seen = await run.CallAsync();

        AssertSeen(run, fault, seen);
        Assert.Equal(["q"], run.Moderator.Inputs);
        Assert.Equal(fault.Given, run.Moderator.Output);
    }

    /// <summary>A failure is not kept; the answer that comes after it is.</summary>
    private static async Task CacheAsync(Fault fault)
    {
        var scope = new CallScope { Cache = true };
        await using var run = await FaultRun.StartAsync(fault);
        AssertSeen(run, fault, await run.CallAsync(scope));
        await run.RecoverAsync();
        run.Time.Skip(Disabled);
        var sent = run.Requests.Count;

        Assert.Equal("ok", (await run.CallAsync(scope)).Text);
        Assert.Equal(sent + 1, run.Requests.Count);
        var again = await run.CallAsync(scope);

        Assert.Equal("ok", again.Text);
        Assert.Equal(!fault.Streamed, again.Served!.Cached);
        Assert.Equal(sent + (fault.Streamed ? 2 : 1), run.Requests.Count);
    }

    /// <summary>A call ends within its time, without a wait that it has no time for, and with what went wrong where that is known.</summary>
    private static async Task TotalTimeoutAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(
            fault,
            // Every wait is longer: jitter leaves half of a minute, and a key cools down for as long.
            ("Ai:Calls:TotalTimeout", fault.Hangs ? $"{FaultRun.SkippingTime.Limit}" : "00:00:29"), ("Ai:Providers:openai:KeyCoolDown", "00:00:30"),
            ("Ai:Calls:FirstByteTimeout", "00:01:00"), ("Ai:Calls:IdleTimeout", "00:01:00"),
            ("Ai:Calls:RetryDelay", "00:01:00"), ("Ai:Calls:MaxRetryDelay", "00:01:00"),
            ("Ai:Calls:NetworkRetryDelay", "00:01:00"), ("Ai:Calls:MaxNetworkRetryDelay", "00:01:00"),
            ("Ai:Calls:AnswerRetryDelay", "00:01:00"), ("Ai:Calls:MaxAnswerRetryDelay", "00:01:00"));

        var seen = await run.CallAsync();

        var expected = fault.Hangs ? ModelFailure.TotalTimeout : fault.Failure;
        Assert.Equal((expected, FailureTable.Rows[expected].Code, fault.Given), (seen.Failure!.Failure, seen.Failure.Code, seen.Text));
        Assert.Equal(fault.Reply is null ? 0 : 1, run.Requests.Count);
        await Wait.UntilAsync(() => run.Running == 0);
    }

    /// <summary>Another model answers where the table says so, and the answer says who and why; a stream that has begun stays with its model.</summary>
    private static async Task FallbackAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(fault, ("Ai:Fallback:openai/gpt-5.2:0", "local"));

        var seen = await run.CallAsync();

        Assert.Equal(fault.Requests(), run.Requests.Count);
        if (fault.Row.NextModel == "yes" && fault.Given == "")
        {
            Assert.Equal(FaultRun.LocalAnswer, seen.Text);
            Assert.Equal(("local", FaultRun.Model, fault.Failure), (seen.Served!.Model, seen.Served.Requested, seen.Served.FallbackReason));
        }
        else
        {
            AssertSeen(run, fault, seen);
        }
    }

    /// <summary>One span for the call to a model, however many attempts it took, with the failure in it.</summary>
    private static async Task TelemetryAsync(Fault fault)
    {
        var spans = new List<Activity>();
        using var source = new ActivitySource(nameof(FaultMatrixTests));
        using var listener = new ActivityListener
        {
            ShouldListenTo = listened => listened.Name is AiTelemetry.Name or nameof(FaultMatrixTests),
            Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (spans)
                {
                    spans.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var run = await FaultRun.StartAsync(fault);
        using var parent = source.StartActivity("test")!;

        AssertSeen(run, fault, await run.CallAsync());

        lock (spans)
        {
            var span = Assert.Single(spans, span => span.TraceId == parent.TraceId && span.Source.Name == AiTelemetry.Name);
            Assert.Equal((ActivityStatusCode.Error, fault.Failure.ToString()), (span.Status, span.GetTagItem("error.type")));
        }
    }

    /// <summary>What was set aside for a call is given back, unless the provider may have worked on it.</summary>
    private static async Task BudgetAsync(Fault fault)
    {
        // A call is taken for 100 tokens: 1 for the question, 99 for the answer.
        var billed = fault.Row.SentAgain == "may bill twice" || fault.Failure == ModelFailure.Refused;
        var scope = new CallScope { User = "u" };
        await using var run = await FaultRun.StartAsync(fault, ("Ai:Budget:UserDailyTokens", billed ? "200" : "100"));
        for (var call = 0; call < (billed ? 1 : 3); call++)
        {
            Assert.NotEqual(ModelFailure.BudgetSpent, (await run.CallAsync(scope)).Failure!.Failure);
        }

        await run.RecoverAsync();
        run.Time.Skip(Disabled);

        Assert.Equal("ok", (await run.CallAsync(scope)).Text);
        Assert.Equal(billed ? ModelFailure.BudgetSpent : null, billed ? (await run.CallAsync(scope)).Failure?.Failure : null);
    }

    /// <summary>The only place is free again at once.</summary>
    private static async Task AdmissionAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(
            fault, ("Ai:Calls:MaxConcurrentCalls", "1"), ("Ai:Admission:MaxConcurrentCalls", "1"), ("Ai:Admission:MaxWaiting", "0"));

        AssertSeen(run, fault, await run.CallAsync());
        await run.RecoverAsync();
        run.Time.Skip(Disabled);

        Assert.Equal("ok", (await run.CallAsync()).Text);
    }

    /// <summary>A request arrives again as often as the table allows, and no word of an answer comes twice.</summary>
    private static async Task RetryAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(fault);

        AssertSeen(run, fault, await run.CallAsync());
        Assert.Equal(fault.Requests(), run.Requests.Count);

        if (fault.Reply is not null)
        {
            await using var once = await FaultRun.StartAsync(fault);
            once.HasFault = _ => once.Requests.Count == 1;
            var seen = await once.CallAsync();
            Assert.Equal(Math.Min(fault.Requests(), 2), once.Requests.Count);
            Assert.Equal(fault.Requests() > 1 ? "ok" : fault.Given, seen.Text);
        }
    }

    /// <summary>The model is paused where the failure counts: no request reaches it until one may try, which closes the breaker.</summary>
    private static async Task BreakerAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(
            fault, ("Ai:Calls:BreakerFailures", "1"), ("Ai:Calls:Retries", "0"), ("Ai:Calls:NetworkRetries", "0"), ("Ai:Calls:AnswerRetries", "0"));
        AssertSeen(run, fault, await run.CallAsync());
        var counts = fault.Row.Breaker == "counts";
        var sent = run.Requests.Count;

        Assert.Equal(counts, run.Outage?.Failure == ModelFailure.CircuitOpen);
        if (counts)
        {
            Assert.Equal(ModelFailure.CircuitOpen, (await run.CallAsync()).Failure!.Failure);
            Assert.Equal(sent, run.Requests.Count);
        }

        await run.RecoverAsync();
        run.Time.Skip(Disabled);

        Assert.Equal("ok", (await run.CallAsync()).Text);
        Assert.Null(run.Outage);
    }

    /// <summary>The key at fault is left alone until its time while the other serves; a fault of something else costs no key its turn.</summary>
    private static async Task KeysAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(
            fault, ("Ai:Providers:openai:Keys:1:Value", FaultRun.SecondKey),
            ("Ai:Calls:Retries", "0"), ("Ai:Calls:NetworkRetries", "0"), ("Ai:Calls:AnswerRetries", "0"));
        run.HasFault = request => request.Key == FaultRun.FirstKey;
        if (fault.Row.Key == "–")
        {
            AssertSeen(run, fault, await run.CallAsync());
            await run.RecoverAsync();
            await run.CallAsync();
            await run.CallAsync();
            Assert.Equal([FaultRun.SecondKey, FaultRun.FirstKey], run.Keys[^2..]);
            return;
        }

        for (var call = 0; call < 6; call++)
        {
            Assert.Equal("ok", (await run.CallAsync()).Text);
        }

        Assert.Equal([FaultRun.FirstKey, .. Enumerable.Repeat(FaultRun.SecondKey, 6)], run.Keys);
        run.Time.Skip((fault.Row.Key == "cools down" ? fault.RetryAfter ?? CoolDown : Disabled) - TimeSpan.FromSeconds(10));
        await run.CallAsync();
        await run.CallAsync();
        Assert.DoesNotContain(FaultRun.FirstKey, run.Keys[1..]);
        await run.RecoverAsync();
        run.Time.Skip(TimeSpan.FromSeconds(10));
        await run.CallAsync();
        await run.CallAsync();
        Assert.Contains(FaultRun.FirstKey, run.Keys[1..]);
    }

    /// <summary>The wait ends, the failure says which wait it was, and the connection is given up.</summary>
    private static async Task TimeoutsAsync(Fault fault)
    {
        await using var run = await FaultRun.StartAsync(fault, ("Ai:Calls:Retries", "0"), ("Ai:Calls:NetworkRetries", "0"), ("Ai:Calls:AnswerRetries", "0"));

        AssertSeen(run, fault, await run.CallAsync());

        await Wait.UntilAsync(() => run.Running == 0);
    }

    /// <summary>The user sees the failure of the table, what was given out before it once, and no key anywhere.</summary>
    private static void AssertSeen(FaultRun run, Fault fault, FaultRun.Seen seen)
    {
        Assert.Equal(
            (fault.Failure, fault.Row.Code, fault.Row.Later == "yes", fault.Given),
            (seen.Failure!.Failure, seen.Failure.Code, seen.Failure.IsTransient, seen.Text));
        Assert.DoesNotContain(FaultRun.KeyStart, seen.Failure.ToString());
        Assert.DoesNotContain(FaultRun.KeyStart, run.Log.Text);
    }
}
