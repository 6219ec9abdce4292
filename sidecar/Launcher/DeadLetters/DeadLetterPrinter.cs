using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Launcher.Run;

namespace Launcher.DeadLetters;

/// <summary>Dead letters as a table for people, or as JSON.</summary>
internal static class DeadLetterPrinter
{
    private const int LongestCell = 120;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void PrintTable(IReadOnlyList<DeadLetter> letters)
    {
        List<string[]> rows = [["app", "topic", "id", "time", "reason", "count"]];
        rows.AddRange(letters.Select(letter => (string[])
        [
            letter.App, letter.Topic, letter.Id, letter.Ts.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), Cell(letter.Reason ?? "unknown"),
            letter.Count.ToString(CultureInfo.InvariantCulture),
        ]));
        foreach (var line in ReadyTable.Layout(rows))
        {
            Console.WriteLine(line);
        }
    }

    public static void PrintJson(IReadOnlyList<DeadLetter> letters, bool withPayload) => Console.WriteLine(JsonSerializer.Serialize(
        letters.Select(letter => withPayload
            ? (object)new { letter.App, letter.Topic, letter.Id, Time = letter.Ts, letter.Reason, letter.Count, letter.Component, letter.Source, letter.ContentType, letter.Payload }
            : new { letter.App, letter.Topic, letter.Id, Time = letter.Ts, letter.Reason, letter.Count }),
        Json));

    private static string Cell(string text) => text.ReplaceLineEndings(" ") is var line && line.Length > LongestCell ? line[..LongestCell] + "…" : line;
}
