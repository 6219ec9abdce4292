using System.Net;

namespace Launcher.Tests;

/// <summary>An app that shuts its sidecar down is finished: it ends, and is not started again.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task An_app_that_shuts_down_stays_away_and_the_run_ends_with_the_last_one()
    {
        await using var run = new LaunchedRun();
        run.Template(Waiting("first"), Waiting("second"));
        run.Start();
        await run.SeesAsync("ready: 2 apps");
        var first = run.PidOf("first#0");

        await ShutdownAsync(run, "first");

        await run.SeesAsync("first#0 stops on request");
        await run.UntilAsync(() => LaunchedRun.IsGone(first) && run.PidOf("first#0") == 0, "the first app is gone");
        Assert.NotEqual(0, run.PidOf("second#0"));

        await ShutdownAsync(run, "second");

        await run.SeesAsync("every app was stopped: the run ends");
        Assert.Equal(0, await run.ExitsAsync());
        Assert.DoesNotContain("starts again", run.Output, StringComparison.Ordinal);
    }

    private static string Waiting(string id) => LaunchedRun.Shell(id, $"echo $DAPR_HTTP_PORT $DAPR_API_TOKEN > {id}.tmp; mv {id}.tmp {id}.txt; exec sleep 1000");

    private static async Task ShutdownAsync(LaunchedRun run, string id)
    {
        var file = Path.Combine(run.Folder, "app", $"{id}.txt");
        await run.UntilAsync(() => File.Exists(file), "the app has written its environment");
        var words = (await File.ReadAllTextAsync(file)).Trim().Split(' ');
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{words[0]}/v1.0/shutdown") { Headers = { { "dapr-api-token", words[1] } } };
        using var response = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }
}
