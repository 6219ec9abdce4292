using System.CommandLine;
using System.Text.Json;
using Launcher.Access;
using Launcher.Data;
using Launcher.Models;

namespace Launcher.Commands;

/// <summary><c>daprw models</c>: the models of the run in progress, as its apps list them: what they can do and cost, and whether they can be asked just now.</summary>
internal static class ModelsVerb
{
    private const string Path = "api/v1/models";

    private static readonly JsonSerializerOptions Fields = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Create(Func<ParseResult, Option<string>, DataDirectory> directory, Option<string> runFile)
    {
        var app = new Option<string>("--app-id", "-a") { Description = $"App that lists them at /{Path}", DefaultValueFactory = _ => "gateway" };
        var output = new Option<string>("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" }.AcceptOnlyFromAmong("table", "json");
        var json = new Option<bool>("--json") { Description = "The same as --output json" };
        var command = new Command("models", "Show the models that requests may name, and which can be asked just now") { app, output, json, runFile };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var id = parsed.GetRequiredValue(app);
            await using var sidecar = await SidecarAccess.OfRunAsync(directory(parsed, runFile), id, TimeProvider.System, cancellationToken);
            var models = await ReadAsync(sidecar, id, cancellationToken);
            if (parsed.GetValue(json) || parsed.GetValue(output) == "json")
            {
                ModelPrinter.PrintJson(models);
            }
            else
            {
                ModelPrinter.PrintTable(models.Deserialize<List<ListedModel>>(Fields)!);
            }

            return 0;
        });
        return command;
    }

    private static async Task<JsonElement> ReadAsync(SidecarAccess sidecar, string app, CancellationToken cancellationToken)
    {
        using var response = await sidecar.Http.GetAsync($"/v1.0/invoke/{Uri.EscapeDataString(app)}/method/{Path}", cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new LauncherException($"{app} does not list its models: {(int)response.StatusCode} {response.ReasonPhrase}: {body.ReplaceLineEndings(" ").Trim()}");
        }

        try
        {
            return JsonElement.Parse(body) is { ValueKind: JsonValueKind.Array } models ? models : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new LauncherException($"/{Path} of {app} is no list of models");
        }
    }
}
