using Dapr;
using Dapr.Client;
using Sidecar.Testing;

namespace ServiceDefaults.Tests;

public sealed class StateDocumentsTests
{
    private sealed record Basket(IReadOnlyList<int> Items);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_update_is_lost_among_many_writers()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);

        // Each try that fails means that another writer was done, so eight writers need no more than the ten tries.
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => AddAsync(dapr, n)));

        Assert.Equal(Enumerable.Range(0, 8), (await ReadAsync(dapr)).Items.Order());
    }

    [Fact]
    public async Task What_does_not_change_is_not_written()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        await AddAsync(dapr, 1);
        var write = sidecar.Faults.StateWrites().Fail();

        var result = await dapr.UpdateStateAsync<Basket>("statestore", "basket", basket => basket!, cancellationToken: Cancellation);

        Assert.Equal([1], result.Items);
        Assert.Equal(0, write.Hits);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Endless_conflicts_are_a_failure(bool exists)
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        if (exists)
        {
            await AddAsync(dapr, 1);
        }

        var conflict = sidecar.Faults.StateWrites().Always().Conflict();

        await Assert.ThrowsAsync<DaprException>(() => AddAsync(dapr, 2));

        Assert.Equal(10, conflict.Hits);
    }

    [Fact]
    public async Task A_first_write_whose_answer_is_lost_is_found_again()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        var lost = sidecar.Faults.StateWrites().FailAfterwards();

        await AddAsync(dapr, 1);

        Assert.Equal([1], (await ReadAsync(dapr)).Items);
        Assert.Equal(1, lost.Hits);
    }

    [Fact]
    public async Task The_cause_of_a_failing_first_write_is_kept()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        sidecar.Faults.StateWrites().Always().Fail("the disk is full");

        var exception = await Assert.ThrowsAsync<DaprException>(() => AddAsync(dapr, 1));

        Assert.Contains("the disk is full", Assert.IsType<DaprException>(exception.InnerException).Message);
    }

    [Fact]
    public async Task A_time_to_live_goes_with_the_write()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        await dapr.UpdateStateAsync<Basket>("statestore", "basket", _ => new Basket([1]), TimeSpan.FromMinutes(1), Cancellation);

        sidecar.Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.NotNull(await ReadAsync(dapr));
        sidecar.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await ReadAsync(dapr));
    }

    [Fact]
    public async Task A_time_to_live_may_depend_on_what_is_stored()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        Task AddAsync(int item) => dapr.UpdateStateAsync<Basket>(
            "statestore", "basket", basket => new Basket([.. basket?.Items ?? [], item]), basket => basket.Items.Count < 2 ? null : TimeSpan.FromMinutes(1), Cancellation);

        await AddAsync(1);
        sidecar.Clock.Advance(TimeSpan.FromHours(1));
        Assert.NotNull(await ReadAsync(dapr));
        await AddAsync(2);
        sidecar.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await ReadAsync(dapr));
    }

    [Fact]
    public async Task A_document_that_is_not_there_may_stay_away()
    {
        await using var sidecar = await SidecarHost.StartAsync(cancellationToken: Cancellation);
        using var dapr = ClientOf(sidecar);
        var write = sidecar.Faults.StateWrites().Fail();

        Assert.Null(await dapr.UpdateStateAsync<Basket>("statestore", "basket", basket => basket!, _ => null, Cancellation));

        Assert.Equal(0, write.Hits);
    }

    private static DaprClient ClientOf(SidecarHost sidecar) =>
        new DaprClientBuilder().UseHttpEndpoint(sidecar.HttpEndpoint).UseGrpcEndpoint(sidecar.GrpcEndpoint).UseDaprApiToken(sidecar.ApiToken).Build();

    /// <summary>A change that may meet its own result.</summary>
    private static Task<Basket> AddAsync(DaprClient dapr, int item) => dapr.UpdateStateAsync<Basket>(
        "statestore", "basket", basket => basket?.Items.Contains(item) == true ? basket : new Basket([.. basket?.Items ?? [], item]), cancellationToken: Cancellation);

    private static Task<Basket> ReadAsync(DaprClient dapr) => dapr.GetStateAsync<Basket>("statestore", "basket", cancellationToken: Cancellation);
}
