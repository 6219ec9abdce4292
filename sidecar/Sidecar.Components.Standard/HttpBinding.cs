using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Sidecar.Abstractions;

namespace Sidecar.Components.Standard;

/// <summary>
/// <c>bindings.http</c>: calls metadata <c>url</c> + request metadata <c>path</c>. Request metadata that begins with a capital letter becomes a
/// header. An answer that is not 2xx is an error unless <c>errorIfNot2XX</c> is false; status and headers come back either way.
/// </summary>
internal sealed class HttpBinding(ComponentContext context) : IOutputBinding
{
    private static readonly string[] WithBody = ["post", "put", "patch"];

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false });
    private Uri _url = new("http://localhost");
    private bool _errorIfNot2XX = true;
    private long _maxBody;

    public IReadOnlyList<string> Operations { get; } = ["create", "get", "head", "post", "put", "patch", "delete", "options", "trace"];

    public Task InitAsync(CancellationToken cancellationToken)
    {
        _url = Uri.TryCreate(context.Metadata.Required("url"), UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : throw new ComponentException("metadata 'url' is not an http(s) address");
        _errorIfNot2XX = context.Metadata.Bool("errorIfNot2XX", true);
        _http.Timeout = context.Metadata.Duration("responseTimeout", Timeout.InfiniteTimeSpan);
        _maxBody = context.Metadata.Int("maxResponseBodyBytes", 100 * 1024 * 1024);
        _http.MaxResponseContentBufferSize = _maxBody;
        return Task.CompletedTask;
    }

    public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
    {
        var method = request.Operation == "create" ? "post" : request.Operation;
        using var message = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), Address(request.Metadata["path"]));
        if (WithBody.Contains(method))
        {
            message.Content = new ByteArrayContent(Body(request.Data));
            message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(request.Metadata["Content-Type"] ?? "application/json; charset=utf-8");
        }

        foreach (var (name, value) in request.Metadata)
        {
            if (char.IsUpper(name[0]) && !name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase))
            {
                message.Headers.TryAddWithoutValidation(name, value);
            }
        }

        using var response = await _http.SendAsync(message, cancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        var metadata = new ComponentMetadata(
        [
            new("statusCode", ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture)),
            new("status", $"{(int)response.StatusCode} {response.ReasonPhrase}"),
            .. response.Headers.Concat(response.Content.Headers).Select(header => KeyValuePair.Create(header.Key, string.Join(", ", header.Value))),
        ]);
        var fails = request.Metadata["errorIfNot2XX"] is { } choice ? choice != "false" : _errorIfNot2XX;
        return fails && !response.IsSuccessStatusCode
            ? throw new BindingException($"received status code {(int)response.StatusCode}", metadata)
            : new BindingResponse(body, metadata, response.Content.Headers.ContentType?.ToString());
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The path is appended and cannot leave the configured host.</summary>
    private Uri Address(string? path)
    {
        var address = path is { Length: > 0 } ? new Uri($"{_url.ToString().TrimEnd('/')}/{path.TrimStart('/')}") : _url;
        return address.Authority == _url.Authority ? address : throw new BindingException("path leads to another host");
    }

    private static byte[] Body(ReadOnlyMemory<byte> data) =>
        data.Length > 0 && data.Span[0] == (byte)'"' ? Encoding.UTF8.GetBytes(JsonSerializer.Deserialize<string>(data.Span)!) : data.ToArray();
}
