using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Launcher.Tests;

/// <summary><c>daprw models</c> against a run whose gateway is this process.</summary>
public sealed class ModelsVerbTests : IAsyncLifetime
{
    private const string Models = """
        [{"id":"openai/gpt-5.2","provider":"openai","is_default":true,"context_window":400000,"max_output":128000,"capabilities":["chat","vision"],
          "price":{"input_per_million":1.75,"output_per_million":14},"available":true},
         {"id":"gemini/gemini-3-pro-image","capabilities":["images"],"price":{"input_per_million":2,"output_per_million":120,"per_image":0.134},"available":false,"reason":"no key: set GEMINI_API_KEY"}]
        """;

    private readonly RunWithApp _platform = new();
    private volatile string _answer = Models;
    private volatile int _status = 200;

    public async ValueTask InitializeAsync() => await _platform.StartAsync("gateway", app => app.MapGet("/api/v1/models", () => Results.Text(_answer, "application/json", statusCode: _status)), "ready: http", "appID: idle");

    public ValueTask DisposeAsync() => _platform.DisposeAsync();

    [Fact]
    public async Task Shows_what_the_gateway_lists()
    {
        var table = await OutputAsync();
        Assert.Matches(@"(?m)^model +context +output +\$ in/M +\$ out/M +can +available$", table);
        Assert.Matches(@"(?m)^openai/gpt-5\.2 \(default\) +400K +128K +1\.75 +14 +chat vision +yes$", table);
        Assert.Matches(@"(?m)^gemini/gemini-3-pro-image +- +- +2 +120 \(0\.134 a picture\) +images +no: no key: set GEMINI_API_KEY$", table);

        foreach (var arguments in new string[][] { ["--json"], ["-o", "json"] })
        {
            var json = JsonDocument.Parse(await OutputAsync(arguments)).RootElement;
            Assert.Equal((2, "openai"), (json.GetArrayLength(), json[0].GetProperty("provider").GetString()));
        }
    }

    [Fact]
    public async Task Says_what_is_wrong_in_one_line()
    {
        _answer = "{}";
        Assert.Equal((1, "daprw: /api/v1/models of gateway is no list of models"), await RunAsync());

        (_answer, _status) = ("""{"code":"UPSTREAM_UNAVAILABLE"}""", 503);
        Assert.Equal((1, """daprw: gateway does not list its models: 503 Service Unavailable: {"code":"UPSTREAM_UNAVAILABLE"}"""), await RunAsync());

        var (code, output) = await RunAsync("-a", "nobody");
        Assert.Equal(1, code);
        Assert.Contains("no app 'nobody' in the run; there are gateway, idle", output, StringComparison.Ordinal);

        await using var nothing = new LaunchedRun();
        Assert.Contains("nothing runs in", (await Verb.RunAsync(nothing, "models")).Output, StringComparison.Ordinal);
    }

    private Task<string> OutputAsync(params string[] arguments) => Verb.OutputAsync(_platform.Run, ["models", .. arguments]);

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => Verb.RunAsync(_platform.Run, ["models", .. arguments]);
}
