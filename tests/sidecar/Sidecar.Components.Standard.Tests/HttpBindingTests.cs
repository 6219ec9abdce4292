using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard.Tests;

/// <summary>The output binding against a small server.</summary>
public sealed class HttpBindingTests : IAsyncLifetime
{
    private WebApplication _server = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _server = builder.Build();
        _server.Map("/base/echo", async (HttpContext http) =>
        {
            http.Response.Headers["X-Answer"] = new[] { "one", "two" };
            await http.Response.WriteAsync(
                $"{http.Request.Method} {await new StreamReader(http.Request.Body).ReadToEndAsync()}\n"
                + string.Join('\n', http.Request.Headers.Select(header => $"{header.Key.ToLowerInvariant()}: {header.Value}")));
        });
        _server.Map("/base/teapot", () => Results.Text("short and stout", statusCode: 418));
        _server.Map("/base/bytes/{count}", (int count) => Results.Bytes(new byte[count]));
        _server.Map("/base/never", (HttpContext http) => Task.Delay(Timeout.Infinite, http.RequestAborted));
        await _server.StartAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Create_posts_the_text_with_headers_and_returns_status_and_headers()
    {
        await using var binding = await BindingAsync();

        var response = await InvokeAsync(binding, "create", "echo", "text", ("X-Question", "why"), ("lower", "no header"));

        var lines = Lines(response);
        Assert.Equal("POST text", lines[0]);
        Assert.Contains("x-question: why", lines);
        Assert.Contains("content-type: application/json; charset=utf-8", lines);
        Assert.Contains("accept: application/json; charset=utf-8", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("lower:", StringComparison.Ordinal));
        Assert.Equal(("200", "200 OK", "one, two"), (response.Metadata["statusCode"], response.Metadata["status"], response.Metadata["X-Answer"]));
    }

    [Fact]
    public async Task The_callers_types_win()
    {
        await using var binding = await BindingAsync();

        var lines = Lines(await InvokeAsync(binding, "put", "echo", "text", ("Content-Type", "text/plain"), ("Accept", "text/html")));

        Assert.Contains("content-type: text/plain", lines);
        Assert.Contains("accept: text/html", lines);
    }

    [Fact]
    public async Task The_trace_context_is_passed_on()
    {
        const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        await using var binding = await BindingAsync();

        var lines = Lines(await InvokeAsync(binding, "get", "echo", null, ("traceparent", TraceParent), ("tracestate", "a=b"), ("baggage", "k=v")));

        Assert.Equal("GET ", lines[0]);
        Assert.Contains($"traceparent: {TraceParent}", lines);
        Assert.Contains("tracestate: a=b", lines);
        Assert.Contains("baggage: k=v", lines);
    }

    [Fact]
    public async Task The_security_token_goes_with_every_call_and_cannot_be_replaced()
    {
        await using var binding = await BindingAsync(("securityTokenHeader", "X-Token"), ("securityToken", "secret"));

        Assert.Contains("x-token: secret", Lines(await InvokeAsync(binding, "get", "echo", null, ("X-Token", "other"))));
    }

    [Fact]
    public async Task An_answer_that_is_not_2xx_is_an_error_unless_the_component_or_the_caller_says_otherwise()
    {
        await using var strict = await BindingAsync();
        await using var lenient = await BindingAsync(("errorIfNot2XX", "false"));

        var exception = await Assert.ThrowsAsync<BindingException>(() => InvokeAsync(strict, "get", "teapot"));
        Assert.Equal("418", exception.Metadata["statusCode"]);
        Assert.Equal("short and stout", Text(await InvokeAsync(strict, "get", "teapot", null, ("errorIfNot2XX", "false"))));
        Assert.Equal("418", (await InvokeAsync(lenient, "get", "teapot")).Metadata["statusCode"]);
    }

    [Theory]
    [InlineData("1Ki", 1024, true)]
    [InlineData("1Ki", 1025, false)]
    [InlineData("1k", 1000, true)]
    [InlineData("1k", 1001, false)]
    [InlineData("1.5k", 1500, true)]
    [InlineData("10", 11, false)]
    [InlineData("0", 5000, true)]
    [InlineData("-1", 5000, true)]
    [InlineData("8Gi", 5000, true)]
    public async Task The_body_of_an_answer_has_a_largest_size(string limit, int count, bool fits)
    {
        await using var binding = await BindingAsync(("maxResponseBodySize", limit));

        var call = InvokeAsync(binding, "get", $"bytes/{count}");

        if (fits)
        {
            Assert.Equal(count, (await call).Data!.Value.Length);
        }
        else
        {
            await Assert.ThrowsAsync<HttpRequestException>(() => call);
        }
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_an_error()
    {
        await using var binding = await BindingAsync(("responseTimeout", "50ms"));

        await Assert.ThrowsAsync<BindingException>(() => InvokeAsync(binding, "get", "never"));
    }

    [Theory]
    [InlineData("maxResponseBodySize", "much", "metadata 'maxResponseBodySize' is not a size: 'much' (examples: 100Mi, 1G, 65536)")]
    [InlineData("MTLSRootCA", "ca.pem", "metadata 'MTLSRootCA' is not supported by the embedded sidecar")]
    [InlineData("MTLSClientCert", "cert.pem", "metadata 'MTLSClientCert' is not supported by the embedded sidecar")]
    [InlineData("securityToken", "secret", "metadata 'securityToken' and 'securityTokenHeader' are needed together")]
    [InlineData("securityTokenHeader", "X-Token", "metadata 'securityToken' and 'securityTokenHeader' are needed together")]
    public async Task What_it_cannot_keep_is_refused_at_start(string name, string value, string problem) =>
        Assert.Equal(problem, (await Assert.ThrowsAsync<ComponentException>(() => BindingAsync((name, value)))).Message);

    private async Task<HttpBinding> BindingAsync(params (string Name, string Value)[] metadata)
    {
        var binding = new HttpBinding(new ComponentContext(
            "c", "bindings.http", "v1", Metadata([("url", $"{_server.Urls.Single()}/base"), .. metadata]), "app", 0, "/", "/", new NoServices()));
        await binding.InitAsync(CancellationToken.None);
        return binding;
    }

    private static async Task<BindingResponse> InvokeAsync(
        HttpBinding binding, string operation, string path, string? text = null, params (string Name, string Value)[] metadata) => await binding.InvokeAsync(
        new BindingRequest(operation, text is null ? default : JsonSerializer.SerializeToUtf8Bytes(text), Metadata([("path", path), .. metadata])), CancellationToken.None);

    private static ComponentMetadata Metadata((string Name, string Value)[] entries) =>
        new(entries.Select(entry => KeyValuePair.Create(entry.Name, entry.Value)));

    private static string Text(BindingResponse response) => Encoding.UTF8.GetString(response.Data!.Value.Span);

    private static string[] Lines(BindingResponse response) => Text(response).Split('\n');

    private sealed class NoServices : IServiceProvider
    {
        public object? GetService(Type serviceType) => null;
    }
}
