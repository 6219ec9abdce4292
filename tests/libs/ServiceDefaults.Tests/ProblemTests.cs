using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Dapr;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ServiceDefaults.Tests;

public sealed record Order([property: Required, StringLength(5)] string Name, [property: Range(1, 9)] int Qty);

/// <summary>Every failure is a problem with a code and one trace id, whoever makes it.</summary>
public sealed class ProblemTests
{
    private static Task<TestService> StartAsync(string environment = "Production") => TestService.StartAsync(
        app =>
        {
            app.MapPost("/orders", (Order order) => order);
            app.MapGet("/broken", string () => throw new InvalidOperationException("the password is swordfish"));
            app.MapGet("/away", string () => throw new DaprException("no sidecar", new HttpRequestException(HttpRequestError.ConnectionError)));
            app.MapGet("/away/callee", string () => throw new HttpRequestException("no callee", null, HttpStatusCode.ServiceUnavailable));
            app.MapGet("/refused", string () => throw new HttpRequestException("refused", null, HttpStatusCode.BadRequest));
            app.MapGet("/full", () => Problems.Of(409, "BASKET_FULL", "No more", new Dictionary<string, object?> { ["limit"] = 3 }));
            app.MapGet("/status/{code:int}", (int code) => Results.StatusCode(code));
        },
        builder =>
        {
            builder.Services.AddValidation();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 1_000);
        },
        environment);

    private static async Task<JsonElement> ProblemAsync(HttpResponseMessage response, int status, string code)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)response.StatusCode == status, $"{(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize<JsonElement>(text);
        Assert.Equal((status, code), (problem.GetProperty("status").GetInt32(), problem.GetProperty("code").GetString()));
        Assert.NotEmpty(problem.GetProperty("title").GetString()!);
        Assert.NotEmpty(problem.GetProperty("type").GetString()!);
        var traceIds = problem.EnumerateObject().Where(member => member.Name.Replace("_", "", StringComparison.Ordinal).Equals("traceId", StringComparison.OrdinalIgnoreCase));
        Assert.Equal("traceId", Assert.Single(traceIds).Name);
        Assert.Matches("^[0-9a-f]{32}$", problem.GetProperty("traceId").GetString());
        return problem;
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Wrong_requests_are_problems(string environment)
    {
        await using var service = await StartAsync(environment);

        var invalid = await ProblemAsync(await service.SendAsync(HttpMethod.Post, "/orders", Json("""{"name":"too long","qty":0}""")), 400, "VALIDATION_FAILED");
        Assert.Equal(2, invalid.GetProperty("errors").EnumerateObject().Count());
        await ProblemAsync(await service.SendAsync(HttpMethod.Post, "/orders", Json("""{"name":""")), 400, "BAD_REQUEST");
        await ProblemAsync(await service.SendAsync(HttpMethod.Post, "/orders"), 400, "BAD_REQUEST");
        await ProblemAsync(await service.SendAsync(HttpMethod.Post, "/orders", new StringContent("hi", Encoding.UTF8, "text/plain")), 415, "UNSUPPORTED_MEDIA_TYPE");
        await ProblemAsync(await service.SendAsync(HttpMethod.Post, "/orders", Json($$"""{"name":"{{new string('x', 2_000)}}"}""")), 413, "BODY_TOO_LARGE");
        await ProblemAsync(await service.SendAsync(HttpMethod.Get, "/orders"), 405, "METHOD_NOT_ALLOWED");
        await ProblemAsync(await service.SendAsync(HttpMethod.Get, "/nowhere"), 404, "NOT_FOUND");
        await ProblemAsync(await service.SendAsync(HttpMethod.Get, "/status/503"), 503, "UNAVAILABLE");
    }

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task Failures_tell_nothing_of_the_inside(string environment)
    {
        await using var service = await StartAsync(environment);

        using var response = await service.SendAsync(HttpMethod.Get, "/broken");

        var text = (await ProblemAsync(response, 500, "INTERNAL_ERROR")).GetRawText();
        Assert.DoesNotContain("swordfish", text, StringComparison.Ordinal);
        Assert.DoesNotContain("InvalidOperation", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/away")]
    [InlineData("/away/callee")]
    public async Task What_cannot_be_reached_is_unavailable_and_says_when_to_come_back(string path)
    {
        await using var service = await StartAsync();

        using var response = await service.SendAsync(HttpMethod.Get, path);

        await ProblemAsync(response, 503, "UNAVAILABLE");
        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter?.Delta);
        await ProblemAsync(await service.SendAsync(HttpMethod.Get, "/refused"), 500, "INTERNAL_ERROR");
    }

    [Fact]
    public async Task Handlers_name_their_own_problems()
    {
        await using var service = await StartAsync();

        var problem = await ProblemAsync(await service.SendAsync(HttpMethod.Get, "/full"), 409, "BASKET_FULL");

        Assert.Equal(("No more", 3), (problem.GetProperty("detail").GetString(), problem.GetProperty("limit").GetInt32()));
    }

    [Fact]
    public async Task The_trace_id_is_the_callers()
    {
        await using var service = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/nowhere");
        request.Headers.Add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");

        var problem = await ProblemAsync(await service.Http.SendAsync(request, TestContext.Current.CancellationToken), 404, "NOT_FOUND");

        Assert.Equal("0af7651916cd43dd8448eb211c80319c", problem.GetProperty("traceId").GetString());
    }

    [Fact]
    public async Task Valid_requests_pass_in_snake_case()
    {
        await using var service = await StartAsync();

        using var response = await service.SendAsync(HttpMethod.Post, "/orders", JsonContent.Create(new { name = "a", qty = 2 }));

        Assert.Equal("""{"name":"a","qty":2}""", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
