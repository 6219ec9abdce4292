using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace ServiceDefaults.Tests;

/// <summary>Who may call what: RequireCaller, RequireSidecar, topics and UserIdentity.</summary>
public sealed class CallerTests
{
    private static Task<TestService> StartAsync(string environment = "Production", string? token = TestService.AppToken) => TestService.StartAsync(
        app =>
        {
            app.MapGet("/internal", () => "in").RequireCaller("scan", "gateway");
            app.MapPost("/written", () => "written").RequireCaller("gateway");
            app.MapPost("/cron", () => "ran").RequireSidecar();
            app.MapPost("/on/topic", () => "got").WithDeadLetteredTopic("bus", "t");
            app.MapGet("/mine", (UserIdentity user) => user.Id).RequireCaller("gateway");
            app.MapGet("/careless", (UserIdentity user) => user.Id);
            app.MapGet("/own", (UserIdentity user) => user.Id).RequireSidecar();
            app.MapGet("/public", () => "hello");
        },
        environment: environment,
        settings: ("APP_API_TOKEN", token));

    private static async Task<string?> CodeAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        Assert.Equal(status, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("code").GetString();
    }

    [Theory]
    [InlineData(null, "scan", 403)]
    [InlineData("wrong", "scan", 403)]
    [InlineData("", "scan", 403)]
    [InlineData(TestService.AppToken + "x", "scan", 403)]
    [InlineData(TestService.AppToken, null, 403)]
    [InlineData(TestService.AppToken, "sse", 403)]
    [InlineData(TestService.AppToken, "SCAN", 403)]
    [InlineData(TestService.AppToken, "scan", 200)]
    [InlineData(TestService.AppToken, "gateway", 200)]
    public async Task Internal_routes_need_the_token_and_a_listed_caller(string? token, string? caller, int status)
    {
        await using var service = await StartAsync();

        using var response = await service.SendAsync(HttpMethod.Get, "/internal", token: token, caller: caller);

        Assert.Equal(status, (int)response.StatusCode);
        if (status == 403)
        {
            Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(response, HttpStatusCode.Forbidden));
        }
    }

    [Theory]
    [InlineData("POST", "/cron")]
    [InlineData("POST", "/on/topic")]
    [InlineData("GET", "/dapr/subscribe")]
    public async Task What_the_sidecar_calls_needs_the_token_alone(string method, string path)
    {
        await using var service = await StartAsync();
        var verb = HttpMethod.Parse(method);

        Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(await service.SendAsync(verb, path), HttpStatusCode.Forbidden));
        Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(await service.SendAsync(verb, path, token: "wrong", caller: "scan"), HttpStatusCode.Forbidden));
        using var response = await service.SendAsync(verb, path, token: TestService.AppToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>What a page of another site can send to an app's own port without asking first; it may guess the caller, never the token.</summary>
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data")]
    [InlineData("application/cloudevents+json")]
    public async Task A_page_that_posts_here_reaches_no_handler(string contentType)
    {
        await using var service = await StartAsync();
        foreach (var path in new[] { "/cron", "/on/topic", "/written", "/dapr/config" })
        {
            using var content = new StringContent("{}");
            content.Headers.Remove("Content-Type");
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            content.Headers.TryAddWithoutValidation("Origin", "https://evil.example");
            using var response = await service.SendAsync(HttpMethod.Post, path, content, caller: "gateway", user: "victim");
            Assert.Contains(response.StatusCode, new[] { HttpStatusCode.Forbidden, HttpStatusCode.NotFound });
            if (path != "/dapr/config")
            {
                Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(response, HttpStatusCode.Forbidden));
            }
        }
    }

    [Fact]
    public async Task Other_routes_are_open()
    {
        await using var service = await StartAsync();

        using var response = await service.SendAsync(HttpMethod.Get, "/public");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Users_are_believed_behind_RequireCaller_only()
    {
        await using var service = await StartAsync();

        using var mine = await service.SendAsync(HttpMethod.Get, "/mine", token: TestService.AppToken, caller: "gateway", user: "u1");
        Assert.Equal("u1", await mine.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("UNAUTHORIZED", await CodeAsync(
            await service.SendAsync(HttpMethod.Get, "/mine", token: TestService.AppToken, caller: "gateway"), HttpStatusCode.Unauthorized));
        Assert.Equal("UNAUTHORIZED", await CodeAsync(
            await service.SendAsync(HttpMethod.Get, "/mine", token: TestService.AppToken, caller: "gateway", user: new string('u', 200)), HttpStatusCode.Unauthorized));
        Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(await service.SendAsync(HttpMethod.Get, "/mine", user: "u1"), HttpStatusCode.Forbidden));
        Assert.Equal("INTERNAL_ERROR", await CodeAsync(await service.SendAsync(HttpMethod.Get, "/careless", user: "u1"), HttpStatusCode.InternalServerError));
        Assert.Equal("INTERNAL_ERROR", await CodeAsync(
            await service.SendAsync(HttpMethod.Get, "/own", token: TestService.AppToken, user: "u1"), HttpStatusCode.InternalServerError));
    }

    [Fact]
    public async Task Without_a_configured_token_only_Development_trusts()
    {
        await using var production = await StartAsync(token: null);
        await using var development = await StartAsync("Development", token: null);

        Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(await production.SendAsync(HttpMethod.Get, "/internal", caller: "scan"), HttpStatusCode.Forbidden));
        using var trusted = await development.SendAsync(HttpMethod.Get, "/internal", caller: "scan");
        Assert.Equal(HttpStatusCode.OK, trusted.StatusCode);
        Assert.Equal("CALLER_NOT_ALLOWED", await CodeAsync(await development.SendAsync(HttpMethod.Get, "/internal", caller: "sse"), HttpStatusCode.Forbidden));
    }
}
