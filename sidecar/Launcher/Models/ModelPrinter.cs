using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Launcher.Run;

namespace Launcher.Models;

/// <summary>Models as a table for people, or as the JSON that the apps gave.</summary>
internal static class ModelPrinter
{
    private const string Unknown = "-";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void PrintTable(IReadOnlyList<ListedModel> models)
    {
        List<string[]> rows = [["model", "context", "output", "$ in/M", "$ out/M", "can", "available"]];
        rows.AddRange(models.Select(model => (string[])
        [
            model.IsDefault ? $"{model.Id} (default)" : model.Id, Tokens(model.ContextWindow), Tokens(model.MaxOutput), Money(model.Price?.InputPerMillion),
            model.Price?.PerImage is > 0 and var picture ? $"{Money(model.Price.OutputPerMillion)} ({Money(picture)} a picture)" : Money(model.Price?.OutputPerMillion),
            string.Join(' ', model.Capabilities ?? []), model.Available ? "yes" : $"no: {model.Reason?.ReplaceLineEndings(" ")}",
        ]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }
    }

    public static void PrintJson(JsonElement models) => Console.WriteLine(JsonSerializer.Serialize(models, Indented));

    private static string Tokens(int? count) => count switch
    {
        null => Unknown,
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1_000_000m:0.##}M"),
        >= 1000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1000m:0.#}K"),
        _ => count.Value.ToString(CultureInfo.InvariantCulture),
    };

    private static string Money(decimal? dollars) => dollars?.ToString("0.###", CultureInfo.InvariantCulture) ?? Unknown;
}
