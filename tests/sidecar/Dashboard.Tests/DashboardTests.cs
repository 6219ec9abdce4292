using System.Net;
using System.Text.Json;
using Dapr.Workflow;

namespace Dashboard.Tests;

public sealed class DashboardTests(DashboardRun run) : IClassFixture<DashboardRun>
{
    /// <summary>Far more than an answer takes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Shows_processes_with_what_their_sidecars_say()
    {
        var text = await AnsweredRunAsync();

        var processes = JsonDocument.Parse(text).RootElement.GetProperty("processes");
        Assert.Equal(["sidecar", "orders#0"], processes.EnumerateArray().Select(process => process.GetProperty("name").GetString()));
        Assert.Equal("ready", processes[1].GetProperty("status").GetString());
        Assert.Equal("statestore", processes[1].GetProperty("metadata").GetProperty("components")[0].GetProperty("name").GetString());
        Assert.DoesNotContain(DashboardRun.ApiToken, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_who_has_the_address_gets_in()
    {
        using var stranger = new HttpClient(new HttpClientHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = run.Client.BaseAddress };

        foreach (var path in (string[])["/", "/app.js", "/api/run", "/api/logs", "/?token=", "/?token=1234"])
        {
            using var refused = await stranger.GetAsync(path, Token);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, run.Address) { Headers = { Host = "rebound.example" } };
        using var misdirected = await stranger.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, misdirected.StatusCode);

        using var opened = await stranger.GetAsync(run.Address, Token);
        Assert.Equal((HttpStatusCode.Redirect, "/"), (opened.StatusCode, opened.Headers.Location?.OriginalString));
        Assert.Contains("httponly", opened.Headers.GetValues("Set-Cookie").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_a_workflow_with_its_steps()
    {
        await EndAsync("shown", "lamp");

        var list = await run.GetAsync("/api/workflows/orders");
        var listed = list.GetProperty("instances").EnumerateArray().Single(instance => instance.GetProperty("id").GetString() == "shown");
        Assert.Equal(("Ship", "Completed"), (listed.GetProperty("name").GetString(), listed.GetProperty("status").GetString()));

        var shown = await run.GetAsync("/api/workflows/orders/shown");
        Assert.Equal("\"lamp in a box\"", shown.GetProperty("instance").GetProperty("output").GetString());
        var steps = shown.GetProperty("steps").EnumerateArray().ToArray();
        Assert.Equal(["Ship started", "Pack", "Completed"], steps.Select(step => step.GetProperty("name").GetString()));
        Assert.Equal(("completed", "\"lamp in a box\""), (steps[1].GetProperty("outcome").GetString(), steps[1].GetProperty("output").GetString()));
    }

    [Fact]
    public async Task Shows_why_a_workflow_has_failed()
    {
        await EndAsync("broken", "glass");

        var shown = await run.GetAsync("/api/workflows/orders/broken");

        Assert.Contains("it broke", shown.GetProperty("instance").GetProperty("failure").GetString(), StringComparison.Ordinal);
        Assert.Contains(shown.GetProperty("steps").EnumerateArray(), step => step.GetProperty("outcome").GetString() == "failed" && step.GetProperty("kind").GetString() == "activity");
    }

    [Theory]
    [InlineData("/api/workflows/nobody")]
    [InlineData("/api/workflows/orders/nobody")]
    public async Task What_is_not_there_is_a_problem(string path)
    {
        using var response = await run.Client.GetAsync(path, Token);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("nobody", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sends_the_logs_as_they_are_written()
    {
        var log = Path.Combine(run.Logs, "orders-0.log");
        await File.WriteAllTextAsync(log, "before\n", Token);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        using var reader = new StreamReader(await run.Client.GetStreamAsync("/api/logs", limit.Token));

        Assert.Equal("before", await LineAsync(reader, limit.Token));
        await File.AppendAllTextAsync(log, "aft", limit.Token);
        await File.AppendAllTextAsync(log, "er\n", limit.Token);
        Assert.Equal("after", await LineAsync(reader, limit.Token));
        await File.WriteAllTextAsync(log, "new\n", limit.Token);
        Assert.Equal("new", await LineAsync(reader, limit.Token));
    }

    [Fact]
    public async Task An_empty_folder_is_a_run_that_is_not_there()
    {
        var folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        await using var dashboard = await DashboardServer.StartAsync(folder, 0);
        using var client = new HttpClient(new HttpClientHandler { UseProxy = false });
        using var page = await client.GetAsync(dashboard.Address, Token);

        var answer = await client.GetStringAsync(new Uri(dashboard.Address, "/api/run"), Token);

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Empty(JsonDocument.Parse(answer).RootElement.GetProperty("processes").EnumerateArray());
    }

    /// <summary>The page itself, in a real browser.</summary>
    [Fact]
    [Trait("Category", "Browser")]
    public async Task The_page_shows_apps_components_workflows_and_logs()
    {
        Assert.SkipWhen(Web.Tests.Browser.Missing is not null, $"needs a browser: {Web.Tests.Browser.Missing}");
        await EndAsync("on-the-page", "chair");
        await File.WriteAllTextAsync(Path.Combine(run.Logs, "sidecar.log"), "a line <b>of</b> the log\n", Token);
        await using var browser = await Web.Tests.Browser.StartAsync("en");
        await browser.GoToAsync(run.Address);

        await browser.UntilAsync("document.querySelector('#apps tbody').innerText.includes('orders#0')");
        Assert.Contains("ready", await browser.TextAsync("#apps tbody"), StringComparison.Ordinal);

        await browser.ClickAsync("a[href='#components']");
        await browser.UntilAsync("document.querySelector('#components').innerText.includes('state.in-memory')");

        await browser.ClickAsync("a[href='#workflows']");
        await browser.UntilAsync("[...document.querySelectorAll('#instances button')].some(button => button.innerText == 'on-the-page')");
        await browser.EvaluateAsync("[...document.querySelectorAll('#instances button')].find(button => button.innerText == 'on-the-page').click()");
        await browser.UntilAsync("document.querySelectorAll('#steps li').length == 3");
        Assert.Contains("Pack", await browser.TextAsync("#steps"), StringComparison.Ordinal);

        await browser.ClickAsync("a[href='#logs']");
        await browser.UntilAsync("document.querySelector('#lines').innerText.includes('sidecar | a line <b>of</b> the log')");

        Assert.Empty(await browser.ConsoleErrorsAsync());
    }

    /// <summary>Asks until a sidecar has said all: one that takes longer than a page waits for it is shown as not ready.</summary>
    private async Task<string> AnsweredRunAsync()
    {
        var begin = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var text = await run.Client.GetStringAsync("/api/run", Token);
            var isAnswered = JsonDocument.Parse(text).RootElement.GetProperty("processes").EnumerateArray().Any(process =>
                process.GetProperty("status").GetString() == "ready" && process.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object);
            if (isAnswered || TimeProvider.System.GetElapsedTime(begin) > Patience)
            {
                return text;
            }

            await Task.Delay(50, Token);
        }
    }

    private async Task EndAsync(string id, string input)
    {
        await run.Workflows.ScheduleNewWorkflowAsync(nameof(DashboardRun.Ship), id, input);
        await run.Workflows.WaitForWorkflowCompletionAsync(id, cancellation: Token);
    }

    private static async Task<string> LineAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonDocument.Parse(line[6..]).RootElement is var entry && entry.GetProperty("process").GetString() == "orders-0")
            {
                return entry.GetProperty("line").GetString()!;
            }
        }

        throw new EndOfStreamException();
    }
}
