using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>Everything that goes wrong, for whole and for streamed answers.</summary>
public abstract partial class ChatContract<TFixture>
{
    [Theory]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(408, false)]
    [InlineData(409, false)]
    [InlineData(413, false)]
    [InlineData(429, false)]
    [InlineData(500, false)]
    [InlineData(502, false)]
    [InlineData(503, false)]
    [InlineData(529, false)]
    [InlineData(400, true)]
    [InlineData(401, true)]
    [InlineData(403, true)]
    [InlineData(404, true)]
    [InlineData(408, true)]
    [InlineData(409, true)]
    [InlineData(413, true)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(529, true)]
    public async Task Tells_statuses_apart(int status, bool streamed)
    {
        Server.Next(ModelReply.Status(status));

        var failure = await FailsAsync(ModelFailures.OfStatus(status), () => AskAsync(Client(), streamed, Cancellation));

        Assert.Equal(status, failure.Status);
        Assert.Null(failure.RetryAfter);
        Assert.Contains(status.ToString(), failure.Message);
        Assert.Single(Server.Requests);
    }

    [Theory]
    [InlineData(429, false)]
    [InlineData(429, true)]
    [InlineData(503, false)]
    [InlineData(503, true)]
    public async Task Reads_how_long_to_wait(int status, bool streamed)
    {
        Server.Next(
            ModelReply.Status(status, retryAfter: TimeSpan.FromSeconds(17)),
            ModelReply.Status(status, retryAfter: TimeSpan.FromSeconds(90)) with { RetryAfterAsDate = true });

        Assert.Equal(TimeSpan.FromSeconds(17), (await FailsAsync(ModelFailures.OfStatus(status), () => AskAsync(Client(), streamed, Cancellation))).RetryAfter);
        var until = (await FailsAsync(ModelFailures.OfStatus(status), () => AskAsync(Client(), streamed, Cancellation))).RetryAfter;
        Assert.Equal(TimeSpan.FromSeconds(90), until);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tells_exhausted_quota_from_a_rate(bool streamed)
    {
        Server.Next(ModelReply.QuotaExhausted);

        await FailsAsync(ModelFailure.QuotaExhausted, () => AskAsync(Client(), streamed, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_a_refusal(bool streamed)
    {
        Server.Next(ModelReply.Refusal("I cannot help with " + Prompt));

        await FailsAsync(ModelFailure.Refused, () => AskAsync(Client(), streamed, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_an_answer_that_is_no_JSON(bool streamed)
    {
        Server.Next(ModelReply.MalformedJson);

        await FailsAsync(ModelFailure.Malformed, () => AskAsync(Client(), streamed, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_a_connection_that_ends_before_the_answer(bool streamed)
    {
        Server.Next(ModelReply.CutBeforeFirstByte);

        await FailsAsync(ModelFailure.NoFirstByte, () => AskAsync(Client(), streamed, Cancellation));

        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task Reports_a_connection_that_ends_in_the_middle_of_the_answer()
    {
        Server.Next(ModelReply.Cut());

        await FailsAsync(ModelFailure.Cut, () => AskAsync(Client(), streamed: false, Cancellation));

        Assert.Single(Server.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_that_nobody_listens(bool streamed) =>
        await FailsAsync(ModelFailure.Unreachable, () => AskAsync(Client(Nobody()), streamed, Cancellation));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_that_nobody_accepts_the_connection_in_time(bool streamed)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(50),
            ConnectCallback = async (_, cancellationToken) =>
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return Stream.Null;
            },
        });
        var client = Fixture.Provider.CreateChat(Connection() with { Http = http }, Fixture.Model)!;

        await FailsAsync(ModelFailure.Unreachable, () => AskAsync(client, streamed, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reports_that_the_connection_cannot_be_made_safe(bool streamed)
    {
        var address = new UriBuilder(Server.Address) { Scheme = Uri.UriSchemeHttps }.Uri;

        await FailsAsync(ModelFailure.Unreachable, () => AskAsync(Client(address), streamed, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Waits_for_the_first_byte_until_its_caller_cancels(bool streamed) => EndsWhenCancelledAsync(
        ModelReply.SlowFirstByte(Task.Delay(Timeout.Infinite, Cancellation)), (address, token) => AskAsync(Client(address), streamed, token));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public Task Waits_in_the_middle_of_an_answer_until_its_caller_cancels(bool streamed) => EndsWhenCancelledAsync(
        ModelReply.Idle(1, Task.Delay(Timeout.Infinite, Cancellation)), (address, token) => AskAsync(Client(address), streamed, token));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Does_not_begin_what_is_cancelled_already(bool streamed)
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => AskAsync(Client(), streamed, cancelled.Token));

        Assert.Empty(Server.Requests);
    }
}
