using System.Collections.Concurrent;
using System.Text;
using Sidecar.Abstractions;

namespace Sidecar.Components.RabbitMq.Tests;

/// <summary><c>bindings.rabbitmq</c> in both directions.</summary>
public sealed class BindingTests : IAsyncLifetime
{
    private Vhost _vhost = null!;

    public async ValueTask InitializeAsync() => _vhost = await Vhost.CreateAsync();

    public ValueTask DisposeAsync() => _vhost.DisposeAsync();

    [Fact]
    public async Task What_is_created_is_read_with_its_metadata_one_at_a_time()
    {
        var output = await _vhost.BindingAsync<IOutputBinding>("queueName=work;durable=true");
        var input = await _vhost.BindingAsync<IInputBinding>("queueName=work;durable=true");
        var (running, most, events) = (0, 0, new ConcurrentQueue<BindingEvent>());
        await using var reading = await input.ReadAsync(async (message, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await Task.Yield();
            events.Enqueue(message);
            Interlocked.Decrement(ref running);
        }, default);

        for (var index = 0; index < 20; index++)
        {
            await CreateAsync(output, $"\"{index}\"", "a name=väl;ttlInSeconds=60");
        }

        await Wait.UntilAsync(() => events.Count == 20);
        Assert.Equal(Enumerable.Range(0, 20).Select(index => $"\"{index}\""), events.Select(message => Encoding.UTF8.GetString(message.Data.Span)));
        Assert.Equal(["a%20name=väl", "ttlInSeconds=60"], events.First().Metadata.Select(entry => $"{entry.Key}={entry.Value}").Order());
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task What_waits_is_read_in_its_order()
    {
        var binding = await _vhost.BindingAsync<IInputBinding>("queueName=work;prefetchCount=50");
        int[] sent = [.. Enumerable.Range(0, 500)];
        foreach (var index in sent)
        {
            await CreateAsync((IOutputBinding)binding, $"{index}");
        }

        var read = new ConcurrentQueue<int>();
        await using var reading = await binding.ReadAsync((message, _) =>
        {
            read.Enqueue(int.Parse(message.Data.Span, null));
            return Task.CompletedTask;
        }, default);

        await Wait.UntilAsync(() => read.Count == sent.Length);
        Assert.Equal(sent, read);
    }

    [Fact]
    public async Task What_the_app_did_not_take_comes_again_after_a_pause()
    {
        var binding = await _vhost.BindingAsync<IInputBinding>("queueName=work;redeliverInterval=300ms");
        var times = new ConcurrentQueue<long>();
        await using var reading = await binding.ReadAsync((_, _) =>
        {
            times.Enqueue(TimeProvider.System.GetTimestamp());
            return times.Count < 3 ? throw new BindingException("no") : Task.CompletedTask;
        }, default);
        await CreateAsync((IOutputBinding)binding, "1");

        await Wait.UntilAsync(() => times.Count == 3);
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(TimeProvider.System.GetElapsedTime(pair.First, pair.Second).TotalMilliseconds, 250, 60_000));
        await reading.DisposeAsync();
        await Wait.UntilAsync(async () => await _vhost.CountAsync("work") == (0, 0));
    }

    [Fact]
    public async Task A_deleted_queue_is_said_and_made_again()
    {
        var binding = await _vhost.BindingAsync<IOutputBinding>("queueName=work");
        await CreateAsync(binding, "1");
        (await _vhost.Server.Management.DeleteAsync($"queues/{_vhost.Name}/work")).EnsureSuccessStatusCode();

        var error = await Assert.ThrowsAsync<IOException>(() => CreateAsync(binding, "2"));
        await CreateAsync(binding, "3");

        Assert.Contains("has no queue 'work'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exclusive_queue_belongs_to_one_instance()
    {
        var binding = await _vhost.BindingAsync<IInputBinding>("queueName=work;exclusive=true");
        var read = new TaskCompletionSource<string>();
        await using var reading = await binding.ReadAsync((message, _) =>
        {
            read.TrySetResult(Encoding.UTF8.GetString(message.Data.Span));
            return Task.CompletedTask;
        }, default);
        await CreateAsync((IOutputBinding)binding, "1");

        Assert.Equal("1", await read.Task.WaitAsync(TimeSpan.FromSeconds(60)));
        var error = await Assert.ThrowsAsync<ComponentException>(() => _vhost.BindingAsync<IInputBinding>("queueName=work;exclusive=true"));
        Assert.Contains("RESOURCE_LOCKED", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_queue_with_another_ttl_is_named()
    {
        await _vhost.BindingAsync<IOutputBinding>("queueName=work;ttl=60;maxPriority=5");
        var error = await Assert.ThrowsAsync<ComponentException>(() => _vhost.BindingAsync<IOutputBinding>("queueName=work;ttl=30;maxPriority=5"));
        Assert.Contains("the queue 'work'", error.Message, StringComparison.Ordinal);
        Assert.Contains("make 'ttl' equal", error.Message, StringComparison.Ordinal);
    }

    private static async Task CreateAsync(IOutputBinding binding, string json, string metadata = "") =>
        await binding.InvokeAsync(new BindingRequest("create", Encoding.UTF8.GetBytes(json), Vhost.Metadata(metadata)), default);
}
