using Dapr;
using Dapr.Client;
using Dapr.Client.Tests;

namespace ServiceDefaults.Tests;

public sealed class StateDocumentsTests
{
    private sealed record Basket(IReadOnlyList<int> Items);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_update_is_lost_among_many_writers()
    {
        await using var sidecar = await LocalSidecar.StartAsync();

        // Each try that fails means that another writer was done, so eight writers need no more than the ten tries.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => sidecar.Client.UpdateStateAsync<Basket>(
            "store", "basket", basket => new Basket([.. basket?.Items ?? [], n]), cancellationToken: Cancellation)));

        var stored = await sidecar.Client.GetStateAsync<Basket>("store", "basket", cancellationToken: Cancellation);
        Assert.Equal(Enumerable.Range(0, 8), stored.Items.Order());
    }

    [Fact]
    public async Task What_does_not_change_is_not_written()
    {
        await using var sidecar = await LocalSidecar.StartAsync();
        await sidecar.Client.SaveStateAsync("store", "k", new Basket([1]), cancellationToken: Cancellation);
        var (_, before) = await sidecar.Client.GetStateAndETagAsync<Basket>("store", "k", cancellationToken: Cancellation);

        var result = await sidecar.Client.UpdateStateAsync<Basket>("store", "k", basket => basket!, cancellationToken: Cancellation);

        Assert.Equal([1], result.Items);
        Assert.Equal(before, (await sidecar.Client.GetStateAndETagAsync<Basket>("store", "k", cancellationToken: Cancellation)).etag);
    }

    [Fact]
    public async Task Endless_conflicts_are_a_failure()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = async http =>
        {
            if (http.Request.Method == "POST")
            {
                http.Response.StatusCode = 409;
                return;
            }

            http.Response.Headers["ETag"] = "1";
            await http.Response.Body.WriteAsync("""{"items":[]}"""u8.ToArray());
        };
        using var dapr = sidecar.Client();
        var tries = 0;

        await Assert.ThrowsAsync<DaprException>(() => dapr.UpdateStateAsync<Basket>("store", "k", _ => new Basket([tries++]), cancellationToken: Cancellation));

        Assert.Equal(10, tries);
    }

    [Fact]
    public async Task The_cause_of_a_failing_first_write_is_kept()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = http =>
        {
            http.Response.StatusCode = http.Request.Method == "POST" ? 500 : 204;
            return Task.CompletedTask;
        };
        using var dapr = sidecar.Client();

        var exception = await Assert.ThrowsAsync<DaprException>(() => dapr.UpdateStateAsync<Basket>(
            "store", "k", _ => new Basket([]), TimeSpan.FromMinutes(1), Cancellation));

        Assert.IsType<DaprException>(exception.InnerException);
        Assert.Equal(
            """[{"key":"k","metadata":{"ttlInSeconds":"60"},"options":{"concurrency":"first-write"},"value":{"items":[]}}]""",
            sidecar.Requests.First(request => request.Method == "POST").Body);
    }
}
