using System.Text.Encodings.Web;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>JSON of requests and answers. A signed address keeps its ampersands: it is copied by people.</summary>
internal static class JsonForm
{
    public static readonly JsonSerializerOptions Options = new()
    {
        PropertyNameCaseInsensitive = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The data of a request; without data what an empty object is.</summary>
    public static T Read<T>(BindingRequest request) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(request.Data.IsEmpty ? "{}"u8 : request.Data.Span, Options)
                ?? throw new BindingException($"the data of {request.Operation} is null");
        }
        catch (JsonException exception)
        {
            throw new BindingException($"the data of {request.Operation} is not the JSON it takes: {exception.Message}", innerException: exception);
        }
    }
}
