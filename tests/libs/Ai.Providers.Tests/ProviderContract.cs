using System.Net;
using System.Net.Sockets;
using Ai.Providers;
using Microsoft.Extensions.AI;
using ModelServers;

namespace Ai.Providers.Tests;

/// <summary>What the contract suites have in common: one server per test, and connections as the platform makes them.</summary>
public abstract class ProviderContract<TFixture> : IAsyncLifetime where TFixture : ProviderFixture, new()
{
    /// <summary>Nothing of these may be in an error.</summary>
    protected const string Prompt = "the prompt nobody may log";

    /// <summary>Longest wait for something that is about to happen.</summary>
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    protected static readonly byte[] Picture = [0xFF, 0xD8, 0xFF, 0xE0, 1, 2, 3, 0xFF, 0xD9];

    private readonly Socket _nobody = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };

    protected TFixture Fixture { get; } = new();

    protected ModelServer Server { get; private set; } = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => Server = await ModelServer.StartAsync(Fixture.Protocol);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _nobody.Dispose();
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected ProviderConnection Connection(Uri? address = null) =>
        new("contract", Fixture.Options(Fixture.Protocol.BaseUrl(address ?? Server.Address)), Fixture.Key, _http);

    /// <summary>An address where nobody listens: a socket that does not holds its port, and who connects is refused.</summary>
    protected Uri Nobody()
    {
        if (!_nobody.IsBound)
        {
            _nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        }

        return new Uri($"http://{_nobody.LocalEndPoint}");
    }

    /// <summary>The only request so far.</summary>
    protected ModelRequest Request => Assert.Single(Server.Requests);

    /// <summary>The call fails as given and says nothing that it must not.</summary>
    protected async Task<ModelException> FailsAsync(ModelFailure failure, Func<Task> call)
    {
        var exception = await Assert.ThrowsAsync<ModelException>(call);
        Assert.Equal(failure, exception.Failure);
        AssertSaysNoSecret(exception);
        return exception;
    }

    /// <summary>Statuses of <see cref="TellsStatusAsync"/>.</summary>
    public static TheoryData<int> Statuses => [400, 401, 403, 404, 429, 500, 503];

    /// <summary>A status is its failure, with the wait that the provider asks for, and is not asked for again.</summary>
    protected async Task TellsStatusAsync(int status, Func<Uri?, CancellationToken, Task> ask)
    {
        Server.Next(ModelReply.Status(status, retryAfter: TimeSpan.FromSeconds(17)));

        var failure = await FailsAsync(ModelFailures.OfStatus(status), () => ask(null, Cancellation));

        Assert.Equal((status, TimeSpan.FromSeconds(17)), (failure.Status, failure.RetryAfter));
        Assert.Single(Server.Requests);
    }

    /// <summary>Quota, nonsense and connections that end at each moment.</summary>
    protected async Task TellsWhatElseWentWrongAsync(Func<Uri?, CancellationToken, Task> ask)
    {
        Server.Next(ModelReply.QuotaExhausted, ModelReply.MalformedJson, ModelReply.CutBeforeFirstByte, ModelReply.Cut());

        await FailsAsync(ModelFailure.QuotaExhausted, () => ask(null, Cancellation));
        await FailsAsync(ModelFailure.Malformed, () => ask(null, Cancellation));
        await FailsAsync(ModelFailure.NoFirstByte, () => ask(null, Cancellation));
        await FailsAsync(ModelFailure.Cut, () => ask(null, Cancellation));
        await FailsAsync(ModelFailure.Unreachable, () => ask(Nobody(), Cancellation));
    }

    /// <summary>A caller who cancels while the server hesitates is free at once, and the server sees that he has gone.</summary>
    protected async Task EndsWhenCancelledAsync(ModelReply hesitating, Func<Uri?, CancellationToken, Task> ask)
    {
        Server.Next(hesitating);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var call = ask(null, cancel.Token);
        await ReceivedAsync();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(Soon, Cancellation));
        await AbortedAsync();
    }

    /// <summary>Neither the key nor the prompt nor the answer is in the exception, its properties or those inside it.</summary>
    protected void AssertSaysNoSecret(Exception exception)
    {
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            foreach (var said in new[] { inner.ToString(), inner.Message }.Concat(inner.Data.Values.Cast<object?>().Select(value => $"{value}")))
            {
                Assert.DoesNotContain(Prompt, said);
                if (Fixture.Credential is { } credential)
                {
                    Assert.DoesNotContain(credential, said);
                }

                if (Fixture.Key is { } key)
                {
                    Assert.DoesNotContain(key, said);
                }
            }
        }
    }

    /// <summary>Ends when the server sees that the client of its only request has gone.</summary>
    protected async Task AbortedAsync()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var _ = Request.Aborted.Register(gone.SetResult);
        await gone.Task.WaitAsync(Soon, Cancellation);
    }

    /// <summary>Ends when the server has a request.</summary>
    protected async Task ReceivedAsync(int requests = 1)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Soon);
        while (Server.Requests.Count < requests)
        {
            await Task.Delay(5, limit.Token);
        }
    }

    protected static ChatMessage[] Question(string text = Prompt) => [new(ChatRole.User, text)];
}
