using Dapr.Actors.Runtime;

namespace Dapr.Actors.Tests;

public interface ICounter : IActor
{
    Task<int> AddAsync(int amount);

    Task<int> GetAsync();

    Task ResetAsync();

    Task<string> JoinAsync(string second, string first, CancellationToken cancellationToken = default);

    Task FailAsync(string message);

    Task<Order> EchoAsync(Order order);

    Task<int> AskAsync(ActorReference other);

    Task<int> AnswerAsync(ICounter other);
}

public sealed class Order
{
    public string Id { get; set; } = "";

    public int[] Items { get; set; } = [];
}

/// <summary>Keeps what happened to actors, for the test to see.</summary>
public sealed class Diary
{
    private readonly Lock _lock = new();
    private readonly List<string> _entries = [];

    public IReadOnlyList<string> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public void Add(string entry)
    {
        lock (_lock)
        {
            _entries.Add(entry);
        }
    }
}

/// <summary>A service of the actor's scope.</summary>
public sealed class Companion(Diary diary) : IDisposable
{
    public void Dispose() => diary.Add("scope disposed");
}

public class Counter(ActorHost host, Diary diary, Companion companion) : Actor(host), ICounter, IRemindable, IAsyncDisposable
{
    public Companion Companion { get; } = companion;

    protected Diary Diary { get; } = diary;

    public async Task<int> AddAsync(int amount)
    {
        var value = await StateManager.AddOrUpdateStateAsync("n", amount, (_, n) => n + amount);
        return amount == 13 ? throw new InvalidOperationException("unlucky") : value;
    }

    public Task<int> GetAsync() => StateManager.GetOrAddStateAsync("n", 0);

    public Task ResetAsync() => StateManager.TryRemoveStateAsync("n");

    public Task<string> JoinAsync(string second, string first, CancellationToken cancellationToken = default) =>
        Task.FromResult($"{first}-{second}-{cancellationToken.CanBeCanceled}");

    public Task FailAsync(string message) => throw new FormatException(message);

    public Task<Order> EchoAsync(Order order) => Task.FromResult(order);

    public Task<int> AskAsync(ActorReference other) => ((ICounter)ProxyFactory.CreateActorProxy(other.ActorId, typeof(ICounter), other.ActorType)).AddAsync(1);

    public Task<int> AnswerAsync(ICounter other) => Task.FromResult(ActorReference.Get(other).ActorId.GetId().Length);

    public Task ReceiveReminderAsync(string reminderName, byte[] state, TimeSpan dueTime, TimeSpan period)
    {
        Diary.Add($"reminder {reminderName} {Convert.ToHexString(state)} {dueTime} {period}");
        return reminderName == "bad" ? throw new InvalidOperationException("bad reminder") : StateManager.SetStateAsync("reminded", reminderName);
    }

    public ValueTask DisposeAsync()
    {
        Diary.Add("actor disposed");
        return ValueTask.CompletedTask;
    }

    protected override Task OnActivateAsync()
    {
        Diary.Add($"activate {Id}");
        return Id.GetId() == "broken" ? throw new InvalidOperationException("cannot live") : Task.CompletedTask;
    }

    protected override Task OnDeactivateAsync()
    {
        Diary.Add($"deactivate {Id}");
        return Task.CompletedTask;
    }

    protected override Task OnPreActorMethodAsync(ActorMethodContext actorMethodContext)
    {
        Diary.Add($"before {actorMethodContext.CallType} {actorMethodContext.MethodName}");
        return Task.CompletedTask;
    }

    protected override Task OnPostActorMethodAsync(ActorMethodContext actorMethodContext)
    {
        Diary.Add($"after {actorMethodContext.MethodName}");
        return Task.CompletedTask;
    }

    protected override Task OnActorMethodFailedAsync(ActorMethodContext actorMethodContext, Exception e)
    {
        Diary.Add($"failed {actorMethodContext.MethodName} {e.GetType().Name}");
        return Task.CompletedTask;
    }

    private Task TickAsync(byte[] data)
    {
        Diary.Add($"tick {Convert.ToHexString(data)}");
        return Task.CompletedTask;
    }

    private Task<bool> Enough() => Task.FromResult(true);
}

/// <summary>Its timers call what its base class has.</summary>
public sealed class Special(ActorHost host, Diary diary, Companion companion) : Counter(host, diary, companion);

/// <summary>Has no reminders and no services.</summary>
[Actor(TypeName = "plain")]
public sealed class Plain(ActorHost host) : Actor(host), IPlain
{
    public Task RegisterAsync() => RegisterReminderAsync("r", [1], TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));

    public Task<IActorReminder> ReadAsync(string name) => GetReminderAsync(name);

    public Task RepeatAsync() => RegisterReminderAsync("r", null, TimeSpan.Zero, TimeSpan.FromMinutes(1), 3, TimeSpan.FromHours(30));

    public Task RemoveAsync() => UnregisterReminderAsync("r");

    public Task WatchAsync() => RegisterTimerAsync("t", nameof(OnTimer), [2], TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), TimeSpan.FromMinutes(90));

    public Task OnceAsync() => RegisterTimerAsync("t", nameof(OnTimer), null, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(-1));

    public Task UnwatchAsync() => UnregisterTimerAsync("t");

    private Task OnTimer() => Task.CompletedTask;
}

public interface IPlain : IActor;
