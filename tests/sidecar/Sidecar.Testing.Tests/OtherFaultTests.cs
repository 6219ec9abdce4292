using System.Net;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Sidecar.Abstractions;
using Sidecar.Components.InMemory;
using Sidecar.Testing.Components;

namespace Sidecar.Testing.Tests;

public sealed class OtherFaultTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_nth_state_write_fails_before_or_after_it_is_applied()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        dapr.Faults.StateWrites("statestore", "k").After(1).Fail();
        await SaveAsync(dapr, 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => SaveAsync(dapr, 2));
        Assert.Equal(1, await LoadAsync(dapr));

        dapr.Faults.StateWrites("statestore", "k").FailAfterwards();
        await Assert.ThrowsAsync<HttpRequestException>(() => SaveAsync(dapr, 3));
        Assert.Equal(3, await LoadAsync(dapr));
        await SaveAsync(dapr, 4);
        Assert.Equal(4, await LoadAsync(dapr));
    }

    [Fact]
    public async Task A_conflict_meets_conditional_writes_only()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        using var client = dapr.CreateClient();
        var conflict = dapr.Faults.StateWrites("statestore").Conflict();
        await SaveAsync(dapr, 1);
        Assert.Equal(0, conflict.Hits);

        var create = new[] { new { key = "new", value = 1, options = new { concurrency = "first-write" } } };
        using var refused = await client.PostAsJsonAsync("v1.0/state/statestore", create, Cancel);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        using var accepted = await client.PostAsJsonAsync("v1.0/state/statestore", create, Cancel);
        Assert.Equal(HttpStatusCode.NoContent, accepted.StatusCode);
    }

    [Fact]
    public async Task Calls_of_an_app_are_answered_refused_slow_or_broken()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var calls = 0;
        await dapr.StartAppAsync("stock", app => app.MapGet("/items", () => Interlocked.Increment(ref calls)), Cancel);
        using var client = dapr.CreateInvokeClient("stock");

        dapr.Faults.Calls("stock", "/items").Answer(HttpStatusCode.ServiceUnavailable, "closed");
        using var answered = await client.GetAsync("items", Cancel);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "closed", 0), (answered.StatusCode, await answered.Content.ReadAsStringAsync(Cancel), calls));

        dapr.Faults.Calls("stock", "/items").FailAfterwards();
        using var broken = await client.GetAsync("items", Cancel);
        Assert.Equal((HttpStatusCode.InternalServerError, 1), (broken.StatusCode, calls));

        var slow = dapr.Faults.Calls("stock", "/items").Delay(TimeSpan.FromSeconds(30));
        var waiting = client.GetAsync("items", Cancel);
        await dapr.WaitForFaultAsync(slow, cancellationToken: Cancel);
        await dapr.AdvanceUntilAsync(() => waiting.IsCompleted, cancellationToken: Cancel);
        using var late = await waiting;
        Assert.Equal((HttpStatusCode.OK, 2), (late.StatusCode, calls));

        // Refused: the sidecar tries again after one second of the clock.
        var refuse = dapr.Faults.Calls("stock", "/items").Refuse();
        var retried = client.GetAsync("items", Cancel);
        await dapr.WaitForFaultAsync(refuse, cancellationToken: Cancel);
        await dapr.AdvanceUntilAsync(() => retried.IsCompleted, cancellationToken: Cancel);
        using var reached = await retried;
        Assert.Equal((HttpStatusCode.OK, 3), (reached.StatusCode, calls));
    }

    [Fact]
    public async Task A_binding_fails_or_is_slow()
    {
        await using var dapr = await SidecarHost.StartAsync(options => options.AddComponent("files", "bindings.localstorage", ("rootPath", "files")), Cancel);
        using var client = dapr.CreateClient();
        var create = new { operation = "create", data = "text", metadata = new { fileName = "a.txt" } };

        dapr.Faults.Bindings("files", "create").Fail();
        using var failed = await client.PostAsJsonAsync("v1.0/bindings/files", create, Cancel);
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        var slow = dapr.Faults.Bindings("files").Delay(TimeSpan.FromSeconds(3));
        var waiting = client.PostAsJsonAsync("v1.0/bindings/files", create, Cancel);
        await dapr.WaitForFaultAsync(slow, cancellationToken: Cancel);
        Assert.False(waiting.IsCompleted);
        dapr.Clock.Advance(TimeSpan.FromSeconds(3));

        using var done = await waiting;
        Assert.Equal(HttpStatusCode.OK, done.StatusCode);
    }

    [Fact]
    public async Task A_fault_of_ones_own_decides_itself()
    {
        await using var dapr = await SidecarHost.StartAsync(cancellationToken: Cancel);
        var order = new List<string>();
        dapr.Faults.StateWrites().Always().Do(async (attempt, proceed, _) =>
        {
            order.Add($"before {attempt.Writes[0].Key}");
            await proceed();
            order.Add("after");
        });

        await SaveAsync(dapr, 1);

        Assert.Equal(["before test||k", "after"], order);
    }

    /// <summary>Whatever a component can do, it can do under observation: a new interface in Sidecar.Abstractions needs its decorator.</summary>
    [Fact]
    public void Decorators_hide_no_capability()
    {
        var types = new[] { typeof(InMemoryComponents), typeof(Sidecar.Components.Tandem.TandemComponent), typeof(Sidecar.Components.Standard.StandardComponentTypes) }
            .SelectMany(type => type.Assembly.GetTypes()).Where(type => !type.IsAbstract && type.IsAssignableTo(typeof(IComponent))).ToArray();
        Assert.NotEmpty(types);
        var observation = new Observation(null!, null!, TimeProvider.System);
        Assert.All(types, type =>
        {
            var component = (IComponent)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
            var context = new ComponentContext("c", "t", "v1", ComponentMetadata.Empty, "app", 0, "", "", null!);
            var missing = Capabilities(type).Except(Capabilities(ObservedComponent.Of(component, context, observation).GetType()));
            Assert.True(!missing.Any(), $"observed, {type.Name} is no {string.Join(", ", missing.Select(capability => capability.Name))} any more");
        });
    }

    private static IEnumerable<Type> Capabilities(Type type) => type.GetInterfaces().Where(capability => capability.Assembly == typeof(IComponent).Assembly);

    private static Task SaveAsync(SidecarHost dapr, int value) => dapr.Self.SaveStateAsync("statestore", "k", value, cancellationToken: Cancel);

    private static Task<int> LoadAsync(SidecarHost dapr) => dapr.Self.GetStateAsync<int>("statestore", "k", cancellationToken: Cancel);
}
