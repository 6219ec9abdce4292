using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using Launcher.Access;
using Launcher.Data;

namespace Launcher.Commands;

/// <summary><c>daprw invoke</c> and <c>daprw publish</c>, with the flags of the dapr CLI.</summary>
internal static class CallVerbs
{
    private static readonly Option<string> Data = new("--data", "-d") { Description = "Body, JSON by default" };
    private static readonly Option<string> DataFile = new("--data-file", "-f") { Description = "File with the body" };

    public static Command Invoke(Func<ParseResult, DataDirectory> directory, Option<string> runFile)
    {
        var appId = new Option<string>("--app-id", "-a") { Description = "App to call", Required = true };
        var method = new Option<string>("--method", "-m") { Description = "Path to call, perhaps with a query", Required = true };
        var verb = new Option<string>("--verb", "-v") { Description = "HTTP method", DefaultValueFactory = _ => "POST" };
        var headers = new Option<string[]>("--header") { Description = "NAME:VALUE (may be repeated)" };
        var command = new Command("invoke", "Call a method of an app through its sidecar") { appId, method, verb, Data, DataFile, headers, runFile };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var id = parsed.GetRequiredValue(appId);
            await using var sidecar = await SidecarAccess.OfRunAsync(directory(parsed), id, TimeProvider.System, cancellationToken);
            using var request = new HttpRequestMessage(
                new HttpMethod(parsed.GetRequiredValue(verb).ToUpperInvariant()),
                $"/v1.0/invoke/{Uri.EscapeDataString(id)}/method/{parsed.GetRequiredValue(method).TrimStart('/')}")
            {
                Content = await ContentAsync(parsed, cancellationToken),
            };
            foreach (var header in parsed.GetValue(headers) ?? [])
            {
                request.Headers.TryAddWithoutValidation(header.Split(':')[0], header[(header.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
            }

            return await SendAsync(sidecar, request, $"{id}/{parsed.GetRequiredValue(method)}", cancellationToken);
        });
        return command;
    }

    public static Command Publish(Func<ParseResult, DataDirectory> directory, Option<string> runFile)
    {
        var appId = new Option<string>("--publish-app-id", "-i") { Description = "App whose sidecar publishes", Required = true };
        var pubsub = new Option<string>("--pubsub", "-p") { Description = "Name of the component", Required = true };
        var topic = new Option<string>("--topic", "-t") { Description = "Topic", Required = true };
        var metadata = new Option<string>("--metadata", "-m") { Description = """JSON object such as {"ttlInSeconds": "60"}""" };
        var command = new Command("publish", "Publish a message through the sidecar of an app") { appId, pubsub, topic, Data, DataFile, metadata, runFile };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var query = Query(parsed.GetValue(metadata));
            var (component, name) = (parsed.GetRequiredValue(pubsub), parsed.GetRequiredValue(topic));
            await using var sidecar = await SidecarAccess.OfRunAsync(directory(parsed), parsed.GetRequiredValue(appId), TimeProvider.System, cancellationToken);
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1.0/publish/{Uri.EscapeDataString(component)}/{Uri.EscapeDataString(name)}{query}")
            {
                Content = await ContentAsync(parsed, cancellationToken),
            };
            var code = await SendAsync(sidecar, request, $"publishing to {component}/{name}", cancellationToken);
            if (code == 0)
            {
                Console.WriteLine($"published to {component}/{name}");
            }

            return code;
        });
        return command;
    }

    /// <summary>Prints the answer; a failure is one line and exit code 1.</summary>
    private static async Task<int> SendAsync(SidecarAccess sidecar, HttpRequestMessage request, string what, CancellationToken cancellationToken)
    {
        using var response = await sidecar.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            var problem = (await response.Content.ReadAsStringAsync(cancellationToken)).ReplaceLineEndings(" ").Trim();
            throw new LauncherException($"{what}: {(int)response.StatusCode} {response.ReasonPhrase}{(problem.Length == 0 ? "" : $": {problem}")}");
        }

        await using var output = Console.OpenStandardOutput();
        await response.Content.CopyToAsync(output, cancellationToken);
        if (response.Content.Headers.ContentLength is not 0 && !Console.IsOutputRedirected)
        {
            Console.WriteLine();
        }

        return 0;
    }

    /// <summary>JSON where it is JSON, text where it is not.</summary>
    private static async Task<HttpContent?> ContentAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(Data) is not null && parsed.GetValue(DataFile) is not null)
        {
            throw new LauncherException("give --data or --data-file, not both", 2);
        }

        var bytes = parsed.GetValue(DataFile) is { } file ? await File.ReadAllBytesAsync(file, cancellationToken)
            : parsed.GetValue(Data) is { } text ? System.Text.Encoding.UTF8.GetBytes(text)
            : null;
        return bytes is null ? null : new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(IsJson(bytes) ? "application/json" : "text/plain") } };
    }

    private static bool IsJson(byte[] bytes)
    {
        try
        {
            using var _ = JsonDocument.Parse(bytes);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Query(string? metadata)
    {
        try
        {
            var entries = metadata is null ? [] : JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(metadata)!;
            return entries.Count == 0 ? "" : "?" + string.Join('&', entries.Select(entry => $"metadata.{Uri.EscapeDataString(entry.Key)}={Uri.EscapeDataString(entry.Value.ToString())}"));
        }
        catch (JsonException)
        {
            throw new LauncherException("""--metadata must be a JSON object such as {"ttlInSeconds": "60"}""", 2);
        }
    }
}
