using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Contracts.Jobs;
using ServiceDefaults.JobLog;
using TestKit;

namespace ServiceDefaults.Tests;

public sealed class JobLogClientTests : IDisposable
{
    private static readonly Guid JobId = Guid.Parse("0199a3c1-0000-7000-8000-000000000001");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTimeProvider _clock = new();
    private readonly Router _router = new();
    private readonly HttpClient _http;

    public JobLogClientTests() =>
        _http = new HttpClient(new SidecarRetryHandler(_clock) { InnerHandler = _router }) { BaseAddress = new Uri("http://event-router") };

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Append_is_a_post_of_the_events()
    {
        _router.Answer = _ => Json(HttpStatusCode.OK, """{"seq":7,"created":true}""");

        Assert.Equal(new AppendedJobEvents(7, true), await AppendAsync());
        var (target, body) = Assert.Single(_router.Requests);
        Assert.Equal($"POST http://event-router/jobs/{JobId}/events", target);
        Assert.Contains("\"key\":\"vision.started\"", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, "text/plain", "broken")]
    [InlineData(502, "text/plain", "")]
    [InlineData(503, "application/problem+json", """{"code":"LOG_UNAVAILABLE"}""")]
    [InlineData(500, "application/json", """{"errorCode":"ERR_DIRECT_INVOKE"}""")]
    public async Task Failing_router_is_asked_again(int status, string type, string body)
    {
        _router.Answer = count => count < 3 ? Text((HttpStatusCode)status, type, body) : Json(HttpStatusCode.OK, """{"seq":1,"created":false}""");

        Assert.Equal(1, (await AdvancingAsync(AppendAsync())).Seq);
        Assert.Equal(3, _router.Requests.Count);
        Assert.Single(_router.Requests.Distinct());
    }

    [Theory]
    [InlineData(HttpRequestError.ConnectionError)]
    [InlineData(HttpRequestError.ResponseEnded)]
    public async Task Broken_connection_is_repeated(HttpRequestError error)
    {
        _router.Answer = count => count < 3 ? throw new HttpRequestException(error) : Json(HttpStatusCode.OK, """{"seq":1,"created":false}""");

        Assert.Equal(1, (await AdvancingAsync(AppendAsync())).Seq);
    }

    [Fact]
    public async Task Repeating_ends_after_half_a_minute_in_all()
    {
        _router.Answer = _ => throw new HttpRequestException(HttpRequestError.ConnectionError);
        var started = _clock.GetUtcNow();

        await Assert.ThrowsAsync<HttpRequestException>(() => AdvancingAsync(AppendAsync()));

        Assert.InRange(_clock.GetUtcNow() - started, SidecarRetryHandler.RetryTime, SidecarRetryHandler.RetryTime + TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Error_that_outlasts_the_repeats_is_thrown()
    {
        _router.Answer = _ => Text(HttpStatusCode.InternalServerError, "text/plain", "broken");

        var exception = await Assert.ThrowsAsync<HttpRequestException>(() => AdvancingAsync(AppendAsync()));

        Assert.Equal(HttpStatusCode.InternalServerError, exception.StatusCode);
    }

    [Fact]
    public async Task Closed_job_is_told_at_once()
    {
        _router.Answer = _ => Problem(409, "JOB_CLOSED");

        await Assert.ThrowsAsync<JobClosedException>(AppendAsync);
        Assert.Single(_router.Requests);
    }

    [Theory]
    [InlineData(422, "IDEMPOTENCY_KEY_REUSED")]
    [InlineData(429, "TOO_MANY_OPEN_JOBS")]
    [InlineData(503, "SYSTEM_BUSY")]
    public async Task Refusal_is_passed_on_at_once_with_code_and_wait(int status, string code)
    {
        _router.Answer = _ =>
        {
            var response = Problem(status, code);
            response.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(9));
            return response;
        };

        var refusal = await Assert.ThrowsAsync<JobRefusedException>(AppendAsync);

        Assert.Equal((status, code, "why", TimeSpan.FromSeconds(9)), (refusal.Status, refusal.Code, refusal.Message, refusal.RetryAfter));
        Assert.Single(_router.Requests);
    }

    [Fact]
    public async Task Answer_that_does_not_come_is_no_cancellation_of_the_caller()
    {
        _router.Answer = _ => throw new TaskCanceledException("the time limit of the client");

        await Assert.ThrowsAsync<HttpRequestException>(AppendAsync);
    }

    [Fact]
    public async Task Job_is_read_from_a_sequence_number_on()
    {
        _router.Answer = _ => Json(
            HttpStatusCode.OK,
            $$"""{"job_id":"{{JobId}}","owner":"u1","app":"scan","deadline":"2026-01-01T00:10:00+00:00","seq":3,"terminal":null,"entries":[]}""");

        var view = await Client.GetAsync(JobId, 2, TestContext.Current.CancellationToken);

        Assert.Equal(("u1", 3L), (view!.Owner, view.Seq));
        Assert.Equal($"GET http://event-router/jobs/{JobId}?after=2", Assert.Single(_router.Requests).Target);
    }

    [Fact]
    public async Task Unknown_job_is_null()
    {
        _router.Answer = _ => Problem(404, "JOB_NOT_FOUND");

        Assert.Null(await Client.GetAsync(JobId, 0, TestContext.Current.CancellationToken));
    }

    private JobLogClient Client => new(_http);

    private Task<AppendedJobEvents> AppendAsync() => Client.AppendAsync(
        JobId, new AppendJobEvents([new JobEventInput("vision.started", "vision", "started", 10, _clock.GetUtcNow())]), TestContext.Current.CancellationToken);

    /// <summary>Moves the clock on until the call has ended.</summary>
    private async Task<T> AdvancingAsync<T>(Task<T> call)
    {
        using var limit = new CancellationTokenSource(Patience);
        while (!call.IsCompleted)
        {
            limit.Token.ThrowIfCancellationRequested();
            if (_clock.ArmedTimers > 0)
            {
                _clock.Advance(TimeSpan.FromSeconds(2));
            }

            await Task.Yield();
        }

        return await call;
    }

    private static HttpResponseMessage Json(HttpStatusCode status, string body) => Text(status, "application/json", body);

    private static HttpResponseMessage Problem(int status, string code) =>
        Text((HttpStatusCode)status, "application/problem+json", $$"""{"code":"{{code}}","detail":"why"}""");

    private static HttpResponseMessage Text(HttpStatusCode status, string type, string body) =>
        new(status) { Content = new StringContent(body, Encoding.UTF8, type) };

    private sealed class Router : HttpMessageHandler
    {
        public Func<int, HttpResponseMessage> Answer { get; set; } = _ => throw new InvalidOperationException("unexpected call");

        public List<(string Target, string Body)> Requests { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            Requests.Add(($"{request.Method} {request.RequestUri}", body));
            return Answer(Requests.Count);
        }
    }
}
