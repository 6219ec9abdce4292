using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Sidecar.Api.Tests;

public sealed class InvocationTests
{
    private static async Task<TestRun> StartAsync(params Action<WebApplication>[] callees)
    {
        var run = new TestRun().Component("store", "state.in-memory");
        await run.AppAsync("caller");
        for (var index = 0; index < callees.Length; index++)
        {
            await run.AppAsync("callee", callees[index], index: index);
        }

        return await run.StartAsync();
    }

    [Fact]
    public async Task Method_path_query_headers_and_body_arrive_and_the_answer_comes_back()
    {
        await using var run = await StartAsync(app => app.MapPut("/a/b", async (HttpContext http) =>
        {
            http.Response.StatusCode = 207;
            http.Response.Headers["x-answer"] = "yes";
            var body = await new StreamReader(http.Request.Body).ReadToEndAsync();
            await http.Response.WriteAsync($"{http.Request.QueryString}|{http.Request.Headers["x-question"]}|{body}|{http.Request.Headers["dapr-caller-app-id"]}|{http.Request.Headers["dapr-api-token"]}");
        }));
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Put, "/v1.0/invoke/callee/method/a/b?x=1%202") { Content = new StringContent("body") };
        request.Headers.Add("x-question", "q");
        request.Headers.Add("dapr-caller-app-id", "forged");
        request.Headers.Add("dapr-api-token", "forged");

        using var response = await http.SendAsync(request);

        Assert.Equal(207, (int)response.StatusCode);
        Assert.Equal("yes", response.Headers.GetValues("x-answer").Single());
        Assert.Equal("?x=1%202|q|body|caller|app-token", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_header_form_works_at_any_path()
    {
        await using var run = await StartAsync(app => app.MapGet("/v9/thing", () => "here"));
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v9/thing");
        request.Headers.Add("dapr-app-id", "callee");

        Assert.Equal("here", await (await http.SendAsync(request)).Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("/v1.0/invoke/http://127.0.0.1:{0}/method/a%2Fb/c?x=1")]
    [InlineData("/v1.0/invoke/http%3A%2F%2F127.0.0.1%3A{0}/method/a%2Fb/c?x=1")]
    [InlineData("/a%2Fb/c?x=1", "http://127.0.0.1:{0}")]
    [InlineData("/c?x=1", "http://127.0.0.1:{0}/a%2Fb")]
    public async Task An_address_is_a_target_too(string path, string? header = null)
    {
        await using var run = await StartAsync();
        await using var outside = await TestRun.StartAppAsync(app => app.MapFallback(async http =>
        {
            http.Response.StatusCode = 302;
            http.Response.Headers.Location = "/elsewhere";
            var target = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            await http.Response.WriteAsync($"{http.Request.Method} {target} {await new StreamReader(http.Request.Body).ReadToEndAsync()}{http.Request.Headers["dapr-api-token"]}");
        }));
        var port = TestRun.PortOf(outside);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = run.Client().BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, string.Format(CultureInfo.InvariantCulture, path, port)) { Content = new StringContent("body") };
        if (header is not null)
        {
            request.Headers.Add("dapr-app-id", string.Format(CultureInfo.InvariantCulture, header, port));
        }

        using var response = await http.SendAsync(request);

        Assert.Equal((HttpStatusCode.Found, "POST /a%2Fb/c?x=1 body"), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task An_address_where_nobody_listens_is_ERR_DIRECT_INVOKE()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        using var response = await http.GetAsync($"/v1.0/invoke/http://127.0.0.1:{run.KeptPort()}/method/a");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Contains("ERR_DIRECT_INVOKE", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_target_or_with_an_unknown_one_the_error_is_ERR_DIRECT_INVOKE()
    {
        await using var run = await StartAsync();
        using var http = run.Client();

        var none = await http.GetAsync("/anything");
        var unknown = await http.GetAsync("/v1.0/invoke/nobody/method/x");

        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        Assert.Equal(HttpStatusCode.InternalServerError, unknown.StatusCode);
        Assert.Contains("ERR_DIRECT_INVOKE", await unknown.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_response_streams_through_before_it_is_complete()
    {
        var release = new TaskCompletionSource();
        await using var run = await StartAsync(app => app.MapGet("/stream", async (HttpContext http) =>
        {
            await http.Response.WriteAsync("first");
            await http.Response.Body.FlushAsync();
            await release.Task;
            await http.Response.WriteAsync("second");
        }));
        using var http = run.Client();

        using var response = await http.GetAsync("/v1.0/invoke/callee/method/stream", HttpCompletionOption.ResponseHeadersRead);
        var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[5];
        await body.ReadExactlyAsync(buffer);

        Assert.Equal("first", System.Text.Encoding.UTF8.GetString(buffer));
        release.SetResult();
        Assert.Equal("second", await new StreamReader(body).ReadToEndAsync());
    }

    [Fact]
    public async Task A_request_streams_through_without_a_size_limit()
    {
        await using var run = await StartAsync(app => app.MapPost("/count", async (HttpContext http) =>
        {
            http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
            long length = 0;
            var buffer = new byte[65536];
            for (int read; (read = await http.Request.Body.ReadAsync(buffer)) > 0; length += read)
            {
            }

            return length.ToString();
        }));
        using var http = run.Client();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/invoke/callee/method/count") { Content = new ByteArrayContent(new byte[40 * 1024 * 1024]) };
        request.Headers.TransferEncodingChunked = true;

        Assert.Equal((40 * 1024 * 1024).ToString(), await (await http.SendAsync(request)).Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Calls_go_round_the_replicas_and_leave_out_one_that_is_gone()
    {
        await using var run = await StartAsync(app => app.MapGet("/who", () => "0"), app => app.MapGet("/who", () => "1"));
        using var http = run.Client();
        var seen = new HashSet<string>();
        for (var call = 0; call < 6; call++)
        {
            seen.Add(await http.GetStringAsync("/v1.0/invoke/callee/method/who"));
        }

        Assert.Equal(2, seen.Count);
        await run.App(0).StopAsync();
        for (var call = 0; call < 6; call++)
        {
            Assert.Equal("1", await http.GetStringAsync("/v1.0/invoke/callee/method/who"));
        }
    }

    [Fact]
    public async Task A_caller_that_alternates_between_apps_reaches_all_replicas()
    {
        await using var run = new TestRun();
        await run.AppAsync("caller");
        await run.AppAsync("callee", app => app.MapGet("/who", () => "0"));
        await run.AppAsync("callee", app => app.MapGet("/who", () => "1"), index: 1);
        await run.AppAsync("other", app => app.MapGet("/who", () => "other"));
        await run.StartAsync();
        using var http = run.Client();
        var seen = new HashSet<string>();
        for (var call = 0; call < 4; call++)
        {
            seen.Add(await http.GetStringAsync("/v1.0/invoke/callee/method/who"));
            Assert.Equal("other", await http.GetStringAsync("/v1.0/invoke/other/method/who"));
        }

        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_not_taken_for_the_whole()
    {
        await using var run = await StartAsync(app => app.MapGet("/cut", async (HttpContext http) =>
        {
            http.Response.ContentLength = 1000;
            await http.Response.WriteAsync("half");
            await http.Response.Body.FlushAsync();
            http.Abort();
        }));
        using var http = run.Client();

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => http.GetStringAsync("/v1.0/invoke/callee/method/cut"));
    }
}
