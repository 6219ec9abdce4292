using Dapr.Actors.Runtime;

namespace Dapr.Actors.Tests;

/// <summary>Calls, activations and deactivations that meet.</summary>
public sealed class ConcurrencyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly ActorId Id = new("1");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_that_come_together_share_one_activation()
    {
        var life = new Life { HoldsActivation = true };

        var calls = Enumerable.Range(0, 10).Select(_ => life.CallAsync()).ToArray();
        await life.Activating.Task.WaitAsync(Patience, Cancellation);
        life.Activate.SetResult();
        var actors = await Task.WhenAll(calls).WaitAsync(Patience, Cancellation);

        Assert.Single(actors.Distinct());
        Assert.Equal(1, life.Activated);
    }

    [Fact]
    public async Task A_failed_activation_fails_all_that_wait_and_none_after()
    {
        var life = new Life { HoldsActivation = true };
        var calls = Enumerable.Range(0, 3).Select(_ => life.CallAsync()).ToArray();
        await life.Activating.Task.WaitAsync(Patience, Cancellation);

        life.Activate.SetException(new FormatException("no"));

        foreach (var call in calls)
        {
            await Assert.ThrowsAsync<FormatException>(() => call.WaitAsync(Patience, Cancellation));
        }

        life.HoldsActivation = false;
        await life.CallAsync().WaitAsync(Patience, Cancellation);
        Assert.Equal(2, life.Activated);
    }

    [Fact]
    public async Task Deactivation_waits_for_the_running_call_and_the_next_call_for_the_deactivation()
    {
        var life = new Life { HoldsDeactivation = true };
        var end = new TaskCompletionSource();
        var first = life.CallAsync(end.Task);
        var gone = life.Actors.DeactivateAsync(Id);
        Assert.Equal((0, false), (life.Deactivated, gone.IsCompleted));

        end.SetResult();
        var old = await first.WaitAsync(Patience, Cancellation);
        await life.Deactivating.Task.WaitAsync(Patience, Cancellation);
        var next = life.CallAsync();
        Assert.Equal((false, 1), (next.IsCompleted, life.Activated));

        life.Deactivate.SetResult();
        await gone.WaitAsync(Patience, Cancellation);
        Assert.NotSame(old, await next.WaitAsync(Patience, Cancellation));
        Assert.Equal(2, life.Activated);
    }

    [Fact]
    public async Task A_chain_comes_back_while_a_deactivation_waits()
    {
        var life = new Life();
        var inner = new TaskCompletionSource();
        var outer = life.CallAsync(inner.Task, chain: "c");
        var gone = life.Actors.DeactivateAsync(Id);

        await life.CallAsync(chain: "c").WaitAsync(Patience, Cancellation);
        inner.SetResult();

        await outer.WaitAsync(Patience, Cancellation);
        await gone.WaitAsync(Patience, Cancellation);
        Assert.Equal((1, 1), (life.Activated, life.Deactivated));
    }

    [Fact]
    public async Task Deactivations_that_come_together_are_one()
    {
        var life = new Life();
        await life.CallAsync();

        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => life.Actors.DeactivateAsync(Id))).WaitAsync(Patience, Cancellation);

        Assert.Equal(1, life.Deactivated);
    }

    [Fact]
    public async Task A_failing_deactivation_is_one_all_the_same()
    {
        var life = new Life { HoldsDeactivation = true };
        await life.CallAsync();
        var gone = life.Actors.DeactivateAsync(Id);
        life.Deactivate.SetException(new FormatException("no"));

        await Assert.ThrowsAsync<FormatException>(() => gone);
        await life.CallAsync().WaitAsync(Patience, Cancellation);

        Assert.Equal(2, life.Activated);
    }

    [Fact]
    public async Task Calls_take_turns_but_those_of_one_chain_join()
    {
        var life = new Life();
        var end = new TaskCompletionSource();
        var first = life.CallAsync(end.Task, chain: "c");

        var other = life.CallAsync(chain: "d");
        var nobody = life.CallAsync();
        await life.CallAsync(chain: "c").WaitAsync(Patience, Cancellation);
        Assert.Equal((false, false), (other.IsCompleted, nobody.IsCompleted));

        end.SetResult();
        await Task.WhenAll(first, other, nobody).WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task Who_gives_up_waiting_is_not_in_the_way()
    {
        var life = new Life();
        var end = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var first = life.CallAsync(end.Task);
        var impatient = life.CallAsync(cancellationToken: stop.Token);
        var patient = life.CallAsync();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient.WaitAsync(Patience, Cancellation));
        end.SetResult();

        await Task.WhenAll(first, patient).WaitAsync(Patience, Cancellation);
        await life.Actors.DeactivateAsync(Id).WaitAsync(Patience, Cancellation);
    }

    [Fact]
    public async Task There_are_never_two_of_one_id()
    {
        var life = new Life();
        await Parallel.ForAsync(0, 2_000, Cancellation, async (n, cancellationToken) =>
        {
            if (n % 3 == 0)
            {
                await life.Actors.DeactivateAsync(Id);
            }
            else
            {
                await life.CallAsync(Task.Run(() => { }, cancellationToken), cancellationToken: cancellationToken);
            }
        });
        await life.Actors.DeactivateAsync(Id);

        Assert.Equal(1, life.MostAlive);
        Assert.Equal(life.Activated, life.Deactivated);
        Assert.Equal(1, life.MostRunning);
    }

    /// <summary>Counts what happens to actors; holds it up when told to.</summary>
    private sealed class Life
    {
        private int _alive;
        private int _running;

        public Life() => Actors = new ActiveActors(ActivateAsync, DeactivateAsync);

        public ActiveActors Actors { get; }

        public bool HoldsActivation { get; set; }

        public bool HoldsDeactivation { get; init; }

        public TaskCompletionSource Activating { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Activate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Deactivating { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Deactivate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Activated { get; private set; }

        public int Deactivated { get; private set; }

        public int MostAlive { get; private set; }

        public int MostRunning { get; private set; }

        public Task<Actor> CallAsync(Task? work = null, string? chain = null, CancellationToken cancellationToken = default) => Actors.UseAsync(
            Id, chain,
            async actor =>
            {
                var running = Interlocked.Increment(ref _running);
                MostRunning = Math.Max(MostRunning, running);
                await (work ?? Task.CompletedTask);
                Interlocked.Decrement(ref _running);
                return actor;
            },
            cancellationToken);

        private async Task<ActorActivatorState> ActivateAsync(ActorId id)
        {
            Activated++;
            MostAlive = Math.Max(MostAlive, Interlocked.Increment(ref _alive));
            Activating.TrySetResult();
            if (HoldsActivation)
            {
                await Activate.Task;
            }

            return new ActorActivatorState(new Plain(ActorHost.CreateForTest<Plain>()));
        }

        private async Task DeactivateAsync(ActorActivatorState state)
        {
            Deactivating.TrySetResult();
            if (HoldsDeactivation)
            {
                await Deactivate.Task;
            }

            Deactivated++;
            Interlocked.Decrement(ref _alive);
        }
    }
}
