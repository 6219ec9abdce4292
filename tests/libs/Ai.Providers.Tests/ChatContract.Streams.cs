using System.Text;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>Streamed answers.</summary>
public abstract partial class ChatContract<TFixture>
{
    private async Task<List<ChatResponseUpdate>> StreamAsync(ChatOptions? options = null)
    {
        List<ChatResponseUpdate> updates = [];
        await foreach (var update in Client().GetStreamingResponseAsync(Question(), options, Cancellation))
        {
            updates.Add(update);
        }

        return updates;
    }

    [Fact]
    public async Task Streams_the_text_and_ends_with_finish_reason_and_usage()
    {
        Server.Next(ModelReply.Text("하나 둘 셋", inputTokens: 900, outputTokens: 31, pieces: ["하나 ", "둘 ", "셋"]));

        var updates = await StreamAsync();

        Assert.True(Request.Streamed);
        Assert.Equal(["하나 ", "둘 ", "셋"], updates.Select(update => update.Text).Where(text => text.Length > 0));
        Assert.All(updates, update => Assert.Equal(ChatRole.Assistant, update.Role));
        Assert.Equal(ChatFinishReason.Stop, updates.ToChatResponse().FinishReason);
        AssertUsage(900, 31, updates[^1].Contents.OfType<UsageContent>().SingleOrDefault()?.Details);
        Assert.Equal(Fixture.TellsUsage ? 1 : 0, updates.Sum(update => update.Contents.OfType<UsageContent>().Count()));
    }

    [Fact]
    public async Task Gives_out_each_piece_when_it_comes()
    {
        var rest = new TaskCompletionSource();
        Server.Next(ModelReply.Idle(1, rest.Task));
        var text = new StringBuilder();

        await foreach (var update in Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation))
        {
            text.Append(update.Text);
            if (text.ToString() == "one ")
            {
                // The server says no more until the first piece has been read here.
                rest.TrySetResult();
            }
        }

        Assert.Equal("one two three four", text.ToString());
    }

    [Fact]
    public async Task Gives_out_nothing_before_there_is_something_to_say()
    {
        // Until then a request that fails may be sent again.
        Server.Next(ModelReply.Cut(0));

        var failure = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var update in Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation))
            {
                Assert.Fail("an update came before the first piece");
            }
        });

        // Whether there was a byte depends on the protocol; both may be billed twice.
        Assert.Contains(failure.Failure, new[] { ModelFailure.Cut, ModelFailure.NoFirstByte });
    }

    [Theory]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Reports_an_error_in_the_middle_of_a_stream(int status)
    {
        Server.Next(ModelReply.FailInStream(status));

        var failure = await Assert.ThrowsAsync<ModelException>(() => StreamAsync());
        AssertSaysNoSecret(failure);
        Assert.True(failure.IsTransient);
    }

    [Fact]
    public async Task Streams_calls_of_tools_whole()
    {
        Server.Next(TwoCalls);

        var updates = await StreamAsync(new ChatOptions { Tools = [Places, Weather] });

        AssertTwoCalls(updates.SelectMany(update => update.Contents));
        Assert.Equal(ChatFinishReason.ToolCalls, updates.ToChatResponse().FinishReason);
    }

    [Fact]
    public async Task Streams_up_to_the_limit_of_tokens()
    {
        Server.Next(ModelReply.Length("half an ans"));

        var response = (await StreamAsync()).ToChatResponse();

        Assert.Equal(("half an ans", ChatFinishReason.Length), (response.Text, response.FinishReason));
    }

    [Fact]
    public async Task Uses_one_connection_for_one_answer_after_the_other()
    {
        Server.Next(ModelReply.Text("a"), ModelReply.Text("b"), TwoCalls, ModelReply.Status(500));
        // What is left of an answer is read behind the caller's back; the next call waits for that.
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1, ResponseDrainTimeout = TimeSpan.FromMinutes(1) });
        var client = Fixture.Provider.CreateChat(Connection() with { Http = http }, Fixture.Model)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Soon);

        await AskAsync(client, streamed: true, limit.Token);
        await AskAsync(client, streamed: false, limit.Token);
        await AskAsync(client, streamed: true, limit.Token);
        await Assert.ThrowsAsync<ModelException>(() => AskAsync(client, streamed: true, limit.Token));
        await AskAsync(client, streamed: true, limit.Token);

        Assert.Equal(5, Server.Requests.Count);
        Assert.Single(Server.Requests.Select(request => request.Connection).Distinct());
    }

    [Fact]
    public async Task Lets_its_reader_leave_early()
    {
        Server.Next(ModelReply.Idle(1, Task.Delay(Timeout.Infinite, Cancellation)));

        await foreach (var update in Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation))
        {
            if (update.Text.Length > 0)
            {
                break;
            }
        }

        await AbortedAsync();
    }

    [Fact]
    public async Task Tells_a_stream_that_is_cut_from_one_that_ended()
    {
        foreach (var reply in new[] { ModelReply.Cut(2), ModelReply.Unfinished(2) as ModelReply })
        {
            Server.Next(reply);
            var text = new StringBuilder();

            await FailsAsync(ModelFailure.Cut, async () =>
            {
                await foreach (var update in Client().GetStreamingResponseAsync(Question(), cancellationToken: Cancellation))
                {
                    text.Append(update.Text);
                }
            });

            // What had come may have been given out, and nothing else.
            Assert.StartsWith(text.ToString(), "one two ");
        }
    }
}
