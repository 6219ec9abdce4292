using System.Diagnostics;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Web.Tests;

/// <summary>A headless Chromium, driven through chromedriver with the W3C WebDriver protocol.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string ElementKey = "element-6066-11e4-a52e-4f735466cecf";

    /// <summary>A name of this machine that is not localhost: by plain http its pages are no secure context.</summary>
    public const string OtherName = "photos.example";

    // A loaded machine must not fail a test.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly Process _driver;
    private readonly HttpClient _http;
    private readonly DirectoryInfo _profile = Directory.CreateTempSubdirectory("tandem browser");
    private string _session = "";

    private Browser(Process driver, int port)
    {
        _driver = driver;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{port}/"),
            Timeout = Patience,
        };
    }

    /// <summary>Null, or why there is no browser to test with.</summary>
    public static string? Missing => Find("chromedriver") is null ? "chromedriver is not installed (Debian: chromium-driver)"
        : Find("chromium") is null ? "chromium is not installed (Debian: chromium)"
        : null;

    public static async Task<Browser> StartAsync(string language)
    {
        var driver = Process.Start(new ProcessStartInfo(Find("chromedriver")!, ["--port=0"]) { RedirectStandardOutput = true })!;
        var browser = new Browser(driver, await PortAsync(driver));
        try
        {
            await browser.OpenSessionAsync(language);
            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    public Task GoToAsync(Uri address) => SendAsync("url", new JsonObject { ["url"] = address.ToString() });

    /// <summary>Clicks where an element is; a photo that was chosen and is still read would move it away under the pointer.</summary>
    public async Task ClickAsync(string selector)
    {
        await UntilAsync("document.querySelector('#preview')?.complete ?? true");
        await SendAsync($"element/{await FindAsync(selector)}/click", []);
    }

    /// <summary>Types into a field; on a file input the text is a path.</summary>
    public async Task TypeAsync(string selector, string text) =>
        await SendAsync($"element/{await FindAsync(selector)}/value", new JsonObject { ["text"] = text });

    /// <summary>Drops a file on an element, as a person who drags it from a folder. It may end in zeros, which need not be sent to the browser.</summary>
    public async Task DropAsync(string selector, string name, string contentType, byte[] content, int zeros = 0)
    {
        var prevented = await EvaluateAsync($$"""
            (() => {
              const bytes = Uint8Array.from(atob("{{Convert.ToBase64String(content)}}"), letter => letter.charCodeAt(0));
              const transfer = new DataTransfer();
              transfer.items.add(new File([bytes, new Uint8Array({{zeros}})], "{{name}}", { type: "{{contentType}}" }));
              return ["dragover", "drop"].every(type => !document.querySelector("{{selector}}")
                .dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true })));
            })()
            """);
        // What a page does not prevent is the browser's: it would leave the page and show the file.
        Assert.True((bool)prevented!);
    }

    /// <summary>Forgets a cookie, as a browser does when its time is over.</summary>
    public async Task ForgetCookieAsync(string name)
    {
        using var response = await _http.DeleteAsync($"session/{_session}/cookie/{name}");
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The value of a JavaScript expression.</summary>
    public Task<JsonNode?> EvaluateAsync(string expression) =>
        SendAsync("execute/sync", new JsonObject { ["script"] = $"return {expression};", ["args"] = new JsonArray() });

    public async Task<string> TextAsync(string selector) =>
        (string)(await EvaluateAsync($"document.querySelector({JsonSerializer.Serialize(selector)}).innerText"))!;

    /// <summary>Returns when a JavaScript condition holds; asked again at every change of the page and every 50 ms.</summary>
    public async Task UntilAsync(string condition)
    {
        var script = $$"""
            const done = arguments[0];
            const holds = () => { try { return Boolean({{condition}}); } catch { return false; } };
            if (holds()) { done(true); return; }
            const look = () => { if (holds()) { observer.disconnect(); clearInterval(timer); done(true); } };
            const observer = new MutationObserver(look);
            observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
            // A picture that arrives changes nothing of the document.
            const timer = setInterval(look, 50);
            """;
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await SendAsync("execute/async", new JsonObject { ["script"] = script, ["args"] = new JsonArray() });
                return;
            }
            catch (InvalidOperationException) when (Stopwatch.GetElapsedTime(started) < Patience)
            {
                // The page was left or loaded again under the script, which then cannot answer: the next page is asked.
            }
            catch (InvalidOperationException exception)
            {
                throw new TimeoutException($"'{condition}' did not come true: {exception.Message}; the page says:\n{await TextAsync("body")}", exception);
            }
        }
    }

    /// <summary>What the page and the browser wrote to the console as errors since the last call.</summary>
    public async Task<IReadOnlyList<string>> ConsoleErrorsAsync() =>
        [.. (await SendAsync("se/log", new JsonObject { ["type"] = "browser" }))!.AsArray()
            .Where(entry => (string?)entry!["level"] == "SEVERE" || ((string)entry["message"]!).Contains("Content Security Policy", StringComparison.Ordinal))
            .Select(entry => (string)entry!["message"]!)];

    public async Task ScreenshotAsync(string file)
    {
        var picture = await SendAsync("screenshot", body: null);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, Convert.FromBase64String((string)picture!));
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_session.Length > 0)
            {
                using var closed = await _http.DeleteAsync($"session/{_session}");
            }
        }
        finally
        {
            _driver.Kill(entireProcessTree: true);
            await _driver.WaitForExitAsync();
            _driver.Dispose();
            _http.Dispose();
            await DeleteProfileAsync();
        }
    }

    /// <summary>The browser's helpers die a moment after it, and write until then.</summary>
    private async Task DeleteProfileAsync()
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                _profile.Delete(recursive: true);
                return;
            }
            catch (IOException) when (tries < 50)
            {
                await Task.Delay(200);
            }
        }
    }

    private async Task OpenSessionAsync(string language)
    {
        string[] arguments =
        [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--no-proxy-server", $"--accept-lang={language}", $"--lang={language}",
            "--window-size=900,1300", $"--host-resolver-rules=MAP {OtherName} 127.0.0.1", $"--user-data-dir={_profile.FullName}",
        ];
        var session = await PostAsync("session", new JsonObject
        {
            ["capabilities"] = new JsonObject
            {
                ["alwaysMatch"] = new JsonObject
                {
                    ["browserName"] = "chrome",
                    ["goog:loggingPrefs"] = new JsonObject { ["browser"] = "ALL" },
                    ["goog:chromeOptions"] = new JsonObject
                    {
                        ["binary"] = Find("chromium"),
                        ["args"] = new JsonArray([.. arguments.Select(argument => JsonValue.Create(argument))]),
                    },
                    ["timeouts"] = new JsonObject { ["script"] = (int)(Patience / 2).TotalMilliseconds },
                },
            },
        });
        _session = (string)session!["sessionId"]!;
    }

    private async Task<string> FindAsync(string selector) =>
        (string)(await SendAsync("element", new JsonObject { ["using"] = "css selector", ["value"] = selector }))![ElementKey]!;

    /// <summary>A command of the session; without a body it is a GET.</summary>
    private Task<JsonNode?> SendAsync(string command, JsonObject? body) =>
        body is null ? ReadAsync(_http.GetAsync($"session/{_session}/{command}")) : PostAsync($"session/{_session}/{command}", body);

    // chromedriver reads no chunked bodies, which JsonContent would send.
    private Task<JsonNode?> PostAsync(string path, JsonObject body) =>
        ReadAsync(_http.PostAsync(path, new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json")));

    private static async Task<JsonNode?> ReadAsync(Task<HttpResponseMessage> sent)
    {
        using var response = await sent;
        var value = (await response.Content.ReadFromJsonAsync<JsonNode>())?["value"];
        return response.IsSuccessStatusCode ? value : throw new InvalidOperationException($"{value?["error"]}: {value?["message"]}");
    }

    private static async Task<int> PortAsync(Process driver)
    {
        const string Announcement = "started successfully on port ";
        using var limit = new CancellationTokenSource(Patience);
        while (await driver.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.IndexOf(Announcement, StringComparison.Ordinal) is >= 0 and var at)
            {
                // What it prints later must not fill the pipe.
                _ = driver.StandardOutput.ReadToEndAsync(CancellationToken.None);
                return int.Parse(line.AsSpan(at + Announcement.Length).TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("chromedriver ended without naming its port");
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
