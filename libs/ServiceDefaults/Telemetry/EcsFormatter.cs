using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// One JSON object per line in the Elastic Common Schema. Values whose name says that they are secret are masked. The package
/// Elastic.Extensions.Logging would replace this class.
/// </summary>
internal sealed class EcsFormatter(string serviceName, string environment, TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "ecs";
    private static readonly string[] Secret = ["password", "secret", "token", "api_key", "apikey", "authorization"];

    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = TandemJson.Options.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteString("@timestamp", time.GetUtcNow());
            writer.WriteString("log.level", Level(entry.LogLevel));
            var values = entry.State as IReadOnlyList<KeyValuePair<string, object?>> ?? [];
            writer.WriteString("message", MaskIn(entry.Formatter(entry.State, entry.Exception), values));
            writer.WriteString("ecs.version", "8.11.0");
            writer.WriteString("service.name", serviceName);
            writer.WriteString("service.environment", environment);
            writer.WriteString("log.logger", entry.Category);
            writer.WriteString("event.code", entry.EventId.Id.ToString(CultureInfo.InvariantCulture));
            if (Activity.Current is { } activity)
            {
                writer.WriteString("trace.id", activity.TraceId.ToHexString());
                writer.WriteString("span.id", activity.SpanId.ToHexString());
            }

            foreach (var (name, value) in values.Where(value => value.Key != "{OriginalFormat}"))
            {
                writer.WriteString($"labels.{JsonNamingPolicy.SnakeCaseLower.ConvertName(name)}", Mask(name, Text(value)));
            }

            if (entry.Exception is { } exception)
            {
                writer.WriteString("error.type", exception.GetType().FullName);
                writer.WriteString("error.message", exception.Message);
                writer.WriteString("error.stack_trace", exception.ToString());
            }

            writer.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>Keeps the first and last four characters of long secrets, nothing of short ones.</summary>
    internal static string? Mask(string name, string? value) => value is null || !Secret.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))
        ? value
        : value.Length >= 10 ? $"{value[..4]}…{value[^4..]}" : "…";

    /// <summary>The message holds the values once more, as written by its template.</summary>
    private static string MaskIn(string message, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        foreach (var (name, value) in values)
        {
            if (Text(value) is { Length: > 0 } text && Mask(name, text) is { } masked && masked != text)
            {
                message = message.Replace(text, masked, StringComparison.Ordinal);
            }
        }

        return message;
    }

    private static string? Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture);

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };
}
