using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Launcher.Access;
using Launcher.Data;
using Launcher.Run;

namespace Launcher.Commands;

/// <summary>
/// <c>daprw keys</c>: the keys that sign the tokens of the run in progress, and a new one before its time. Asked of auth through its own
/// sidecar, which alone may.
/// </summary>
internal static class KeyVerbs
{
    private const string App = "auth";
    private const string Path = "internal/signing-keys";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static Command Create(Func<ParseResult, Option<string>, DataDirectory> directory, Option<string> runFile)
    {
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
        var list = new Command("list", "Show the keys: next, signing, verifying what they signed") { output, runFile };
        list.SetAction((parsed, cancellationToken) =>
            RunAsync(directory(parsed, runFile), HttpMethod.Get, Path, null, parsed.GetValue(output) == "json", cancellationToken));

        var now = new Option<bool>("--now")
        {
            Description = "The keys may be known to somebody: the new one signs at once and the others end, so that everybody has to sign in again",
        };
        var rotate = new Command("rotate", "Make a new key, which signs when everybody knows it") { now, output, runFile };
        rotate.SetAction((parsed, cancellationToken) =>
        {
            // The name of the key is given here, so that asking again makes no second one.
            var request = JsonContent.Create(new { key_id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString("N"), now = parsed.GetValue(now) });
            return RunAsync(directory(parsed, runFile), HttpMethod.Post, $"{Path}/rotate", request, parsed.GetValue(output) == "json", cancellationToken);
        });
        return new Command("keys", "Show and replace the keys that sign tokens") { list, rotate };
    }

    private static async Task<int> RunAsync(
        DataDirectory data, HttpMethod method, string path, HttpContent? content, bool asJson, CancellationToken cancellationToken)
    {
        await using var sidecar = await SidecarAccess.OfRunAsync(data, App, TimeProvider.System, cancellationToken);
        using var request = new HttpRequestMessage(method, $"/v1.0/invoke/{App}/method/{path}") { Content = content };
        using var response = await sidecar.Http.SendAsync(request, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new LauncherException($"{App} refused: {(int)response.StatusCode} {response.ReasonPhrase}: {Detail(body)}");
        }

        try
        {
            Print(JsonElement.Parse(body).GetProperty("keys"), asJson);
            return 0;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new LauncherException($"/{path} of {App} answered no list of keys");
        }
    }

    private static void Print(JsonElement keys, bool asJson)
    {
        if (asJson)
        {
            Console.WriteLine(JsonSerializer.Serialize(keys, Indented));
            return;
        }

        List<string[]> rows = [["key", "algorithm", "state", "signs from", "ends"]];
        rows.AddRange(keys.EnumerateArray().Select(key => (string[])
        [
            Text(key, "key_id"), Text(key, "algorithm"), Text(key, "state"), Time(key, "signs_from"), Time(key, "ends_at"),
        ]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }
    }

    private static string Text(JsonElement key, string name) => key.GetProperty(name).GetString() ?? "-";

    private static string Time(JsonElement key, string name) => key.TryGetProperty(name, out var time) && time.ValueKind == JsonValueKind.String
        ? time.GetDateTimeOffset().UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)
        : "-";

    /// <summary>The detail of a problem, else what there is, on one line.</summary>
    private static string Detail(string body)
    {
        try
        {
            return JsonElement.Parse(body).GetProperty("detail").GetString() ?? body;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return body.ReplaceLineEndings(" ").Trim();
        }
    }
}
