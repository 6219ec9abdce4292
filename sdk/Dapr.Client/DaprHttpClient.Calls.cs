using System.Buffers;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>Calls, their failures, and JSON.</summary>
internal sealed partial class DaprHttpClient
{
    /// <summary>Sends and throws on an error status.</summary>
    private async Task<HttpResponseMessage> CallAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, CancellationToken cancellationToken)
    {
        var response = await SendAsync(method, path, body, "application/json", cancellationToken).ConfigureAwait(false);
        try
        {
            await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, CancellationToken cancellationToken, Action<HttpRequestMessage>? prepare = null) =>
        sidecar.SendAsync(method, path, body, contentType, prepare, Repeat.Always, cancellationToken);

    private static async Task ThrowOnFailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw await FailureAsync(response, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Dapr's error JSON as an exception: <c>ERR_X: message (status)</c>.</summary>
    private static async Task<DaprException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        return ReadError(text) is var (code, message)
            ? new DaprException($"{code}: {message} ({(int)response.StatusCode})")
            : new DaprException($"The sidecar answered {(int)response.StatusCode}: {(text.Length > 200 ? text[..200] : text)}");
    }

    /// <summary>Dapr's error JSON; null when the text is anything else, as for a wrong token.</summary>
    internal static (string? Code, string Message)? ReadError(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("errorCode", out var code)
                ? (code.GetString(), document.RootElement.TryGetProperty("message", out var message) ? message.GetString() ?? "" : "")
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<T> DeserializeAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        return bytes.Length == 0 ? default! : Deserialize<T>(bytes);
    }

    private T Deserialize<T>(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(bytes, json)!;
        }
        catch (JsonException exception)
        {
            throw new DaprException($"The value is not a JSON {typeof(T).Name}.", exception);
        }
    }

    private static async Task<JsonDocument?> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            write(writer);
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Writes what the caller says is JSON: the HTTP API carries values in JSON bodies and has no place for other bytes.</summary>
    private static void WriteJson(Utf8JsonWriter writer, ReadOnlySpan<byte> value)
    {
        try
        {
            writer.WriteRawValue(value);
        }
        catch (JsonException exception)
        {
            throw new DaprException("The data must be JSON.", exception);
        }
    }

    private static void WriteMap(Utf8JsonWriter writer, string name, IReadOnlyDictionary<string, string>? values)
    {
        if (values is not { Count: > 0 })
        {
            return;
        }

        writer.WriteStartObject(name);
        foreach (var (key, value) in values)
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }

    private static string Query(IReadOnlyDictionary<string, string>? metadata) => metadata is not { Count: > 0 }
        ? ""
        : "?" + string.Join('&', metadata.Select(entry => $"metadata.{Uri.EscapeDataString(entry.Key)}={Uri.EscapeDataString(entry.Value)}"));

    /// <summary>Text as one segment of a path. Dots alone would name another path, however they are escaped.</summary>
    internal static string Escape(string text) =>
        text is "." or ".." ? throw new ArgumentException($"'{text}' cannot be a name or a key.") : Uri.EscapeDataString(text);

    private static void Check(string text, string name) => ArgumentException.ThrowIfNullOrEmpty(text, name);
}
