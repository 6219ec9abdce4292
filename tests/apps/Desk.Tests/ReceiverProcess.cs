using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using TestKit;
using Webhooks;

namespace Desk.Tests;

/// <summary>The sample <c>samples/receiver</c>, as its README starts it, on a port of its own.</summary>
internal sealed class ReceiverProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process _process;
    private readonly HttpClient _client;

    private ReceiverProcess(Process process, string url)
    {
        _process = process;
        Url = $"{url}/hooks/desk";
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false, Expect100ContinueTimeout = TimeSpan.FromSeconds(60) }) { BaseAddress = new Uri(url) };
    }

    public string Url { get; }

    /// <summary>Starts it with secrets and an inbox in a folder, and waits until it listens.</summary>
    public static async Task<ReceiverProcess> StartAsync(TempDirectory folder, params IEnumerable<WebhookSecret> secrets)
    {
        var file = Path.Combine(folder.Path, "secrets.json");
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["identity-encryption-key"] = "not its business", ["callback-signing"] = string.Join(' ', secrets.Select(secret => secret.Reveal())),
        }));
        var process = Start("--url", "http://127.0.0.1:0", "--secrets", file, "--inbox", Path.Combine(folder.Path, "inbox"));
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, said) =>
        {
            if (said.Data?.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at)
            {
                listening.TrySetResult(said.Data[(at + Listening.Length)..]);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            return new ReceiverProcess(process, await listening.Task.WaitAsync(TimeSpan.FromSeconds(60), DeskPlatform.Cancel));
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    /// <summary>Starts it with arguments, its output redirected.</summary>
    public static Process Start(params IEnumerable<string> arguments)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(own.Parent!.Parent!.FullName, "Receiver", own.Name, "Receiver.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
    }

    /// <summary>Posts a body as desk does. Where its length alone is refused it asks first: the connection closes while it would be sent.</summary>
    public async Task<HttpStatusCode> PostAsync(string? id, string? timestamp, string? signature, byte[] body, bool asksFirst = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        request.Headers.ExpectContinue = asksFirst;
        foreach (var (name, value) in new[] { (WebhookHeaders.Id, id), (WebhookHeaders.Timestamp, timestamp), (WebhookHeaders.Signature, signature) })
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var response = await _client.SendAsync(request, DeskPlatform.Cancel);
        return response.StatusCode;
    }

    /// <summary>What it has taken.</summary>
    public async Task<JsonElement[]> InboxAsync() => (await _client.GetFromJsonAsync<JsonElement[]>("/inbox", DeskPlatform.Cancel))!;

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
