using System.Collections;
using System.Net.Http.Headers;

namespace Tandem.Protocol.Grpc;

/// <summary>Headers or trailers of a response, without status and message, which have their own places.</summary>
public sealed class GrpcMetadata : IReadOnlyCollection<KeyValuePair<string, string>>
{
    private const string BinarySuffix = "-bin";

    private readonly Dictionary<string, string> _entries = new(StringComparer.OrdinalIgnoreCase);

    private GrpcMetadata()
    {
    }

    public static GrpcMetadata Empty { get; } = new();

    public int Count => _entries.Count;

    /// <summary>The value of a key, several values joined by commas; null when there is none. Case does not matter.</summary>
    public string? this[string key] => _entries.GetValueOrDefault(key);

    /// <summary>The bytes of a key that ends with <c>-bin</c>; null when there is none.</summary>
    /// <exception cref="FormatException">The value is not one of base64.</exception>
    public byte[]? GetBytes(string key)
    {
        if (!key.EndsWith(BinarySuffix, StringComparison.OrdinalIgnoreCase))
        {
            throw new ArgumentException($"Keys of bytes end with {BinarySuffix}.", nameof(key));
        }

        // Senders may leave the padding out.
        return this[key] is { } text ? Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '=')) : null;
    }

    public IEnumerator<KeyValuePair<string, string>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal static GrpcMetadata From(HttpResponseHeaders headers)
    {
        var metadata = new GrpcMetadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            if (!name.Equals(GrpcHeaders.Status, StringComparison.OrdinalIgnoreCase)
                && !name.Equals(GrpcHeaders.Message, StringComparison.OrdinalIgnoreCase))
            {
                metadata._entries[name] = string.Join(',', values);
            }
        }

        return metadata;
    }
}
