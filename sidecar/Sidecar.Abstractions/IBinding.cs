using System.Text;
using System.Text.Json;

namespace Sidecar.Abstractions;

/// <summary>A binding that an app can call.</summary>
public interface IOutputBinding : IComponent
{
    /// <summary>Operation names, e.g. <c>create</c>.</summary>
    IReadOnlyList<string> Operations { get; }

    /// <summary>Performs an operation of <see cref="Operations"/>; the runtime has refused others.</summary>
    ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken);
}

/// <summary>A binding that calls the app.</summary>
public interface IInputBinding : IComponent
{
    /// <summary>Starts to deliver events to the handler until the result is disposed. What a failed handler means is the binding's rule.</summary>
    Task<IAsyncDisposable> ReadAsync(Func<BindingEvent, CancellationToken, Task> handler, CancellationToken cancellationToken);
}

/// <summary>A call of an output binding.</summary>
/// <param name="Operation">Operation name.</param>
/// <param name="Data">The request's <c>data</c>: JSON text over HTTP, any bytes over gRPC; empty when absent.</param>
/// <param name="Metadata">Request metadata.</param>
public sealed record BindingRequest(string Operation, ReadOnlyMemory<byte> Data, ComponentMetadata Metadata)
{
    /// <summary>What <see cref="Data"/> stands for: a JSON string is its text, anything else is itself.</summary>
    public ReadOnlyMemory<byte> Content()
    {
        if (Data.Length < 2 || Data.Span[0] != (byte)'"')
        {
            return Data;
        }

        try
        {
            return Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(Data.Span)!);
        }
        catch (JsonException)
        {
            // Bytes of a gRPC client that begin with a quote.
            return Data;
        }
    }
}

/// <summary>The answer of an output binding.</summary>
/// <param name="Data">Bytes for the caller, or null for none (HTTP 204).</param>
/// <param name="Metadata">Becomes <c>metadata.*</c> response headers.</param>
/// <param name="ContentType">Type of <paramref name="Data"/>; null means <c>application/json</c>.</param>
public sealed record BindingResponse(ReadOnlyMemory<byte>? Data, ComponentMetadata Metadata, string? ContentType = null)
{
    /// <summary>No data, no metadata.</summary>
    public static readonly BindingResponse Empty = new(null, ComponentMetadata.Empty);
}

/// <summary>An event from an input binding.</summary>
/// <param name="Data">Body for the app.</param>
/// <param name="Metadata">Become HTTP headers.</param>
public sealed record BindingEvent(ReadOnlyMemory<byte> Data, ComponentMetadata Metadata);

/// <summary>A binding operation that failed; the response metadata still reaches the caller.</summary>
public sealed class BindingException : Exception
{
    /// <summary>Creates the exception with the text for the caller.</summary>
    public BindingException(string message, ComponentMetadata? metadata = null, Exception? innerException = null)
        : base(message, innerException) => Metadata = metadata ?? ComponentMetadata.Empty;

    /// <summary>Response metadata, e.g. <c>statusCode</c> of an HTTP binding.</summary>
    public ComponentMetadata Metadata { get; }
}
