using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>How every provider that can lists its models.</summary>
public abstract class ModelListContract<TFixture> : ProviderContract<TFixture> where TFixture : ProviderFixture, new()
{
    private Task<IReadOnlyList<string>?> ListAsync() => Fixture.Provider.ListModelsAsync(Connection(), Cancellation);

    [Fact]
    public async Task Lists_the_names_that_requests_use()
    {
        Assert.Equal(Fixture.Models, await ListAsync());

        Assert.All(Server.Requests, request => Assert.Equal(Fixture.Credential, request.Key));
    }

    [Fact]
    public async Task Tells_what_went_wrong()
    {
        Server.Next(ModelReply.Status(401), ModelReply.Status(500), ModelReply.MalformedJson, ModelReply.Cut());

        await FailsAsync(ModelFailure.Unauthorized, ListAsync);
        await FailsAsync(ModelFailure.ServerError, ListAsync);
        await FailsAsync(ModelFailure.Malformed, ListAsync);
        await FailsAsync(ModelFailure.Cut, ListAsync);
        await FailsAsync(ModelFailure.Unreachable, () => Fixture.Provider.ListModelsAsync(Connection(Nobody()), Cancellation));
    }
}
