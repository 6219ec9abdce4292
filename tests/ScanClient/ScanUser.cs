using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace ScanClient;

/// <summary>The gateway answered with a problem.</summary>
public sealed class ApiProblemException(HttpStatusCode status, string code, string detail) : Exception($"{(int)status} {code}: {detail}")
{
    /// <summary>HTTP status.</summary>
    public HttpStatusCode Status { get; } = status;

    /// <summary>Stable code.</summary>
    public string Code { get; } = code;
}

/// <summary>One person: a guest with a token of their own.</summary>
public sealed class ScanUser(HttpClient http)
{
    private const int LargeUpload = 1024 * 1024;

    private AuthenticationHeaderValue? _token;

    /// <summary>User id after <see cref="SignInAsync"/>.</summary>
    public string UserId { get; private set; } = "";

    /// <summary>Header value for requests made elsewhere.</summary>
    public AuthenticationHeaderValue Token => _token ?? throw new InvalidOperationException("sign in first");

    /// <summary>A client for many users at the given address; connections are not the bottleneck.</summary>
    public static HttpClient CreateHttpClient(Uri gateway) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = 4096,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        UseCookies = false,
        UseProxy = false,
    })
    {
        BaseAddress = gateway,
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>Becomes a guest.</summary>
    public async Task SignInAsync(CancellationToken cancellationToken)
    {
        var guest = await SendAsync(HttpMethod.Post, "/api/v1/auth/guest", null, cancellationToken);
        _token = new AuthenticationHeaderValue("Bearer", guest.GetProperty("access_token").GetString());
        UserId = guest.GetProperty("user_id").GetString()!;
    }

    /// <summary>Ticket, upload to where it says, callback; returns the picture's address.</summary>
    public async Task<string> UploadAsync(byte[] picture, string contentType, CancellationToken cancellationToken)
    {
        var extension = contentType == "image/png" ? ".png" : ".jpg";
        var hash = Convert.ToHexStringLower(SHA256.HashData(picture));
        var ticket = await PostAsync(
            "/api/v1/images/scan",
            new { filename = "photo" + extension, content_type = contentType, content_length = picture.Length, checksum_sha256 = hash }, cancellationToken);
        var address = new Uri(ticket.GetProperty("upload_url").GetString()!);
        // Uploads to images go through the gateway that this person knows, whatever name the platform has for itself; those to a bucket take no token.
        var isOurs = address.AbsolutePath.StartsWith("/api/v1/images/upload/", StringComparison.Ordinal);
        using var put = new HttpRequestMessage(HttpMethod.Put, isOurs ? new Uri(address.PathAndQuery, UriKind.Relative) : address) { Content = new ByteArrayContent(picture) };
        foreach (var header in ticket.GetProperty("required_headers").EnumerateObject())
        {
            (header.Name.StartsWith("Content-", StringComparison.Ordinal) ? (HttpHeaders)put.Content.Headers : put.Headers).Add(header.Name, header.Value.GetString());
        }

        // A refusal by size comes before the body is sent, so it can be read.
        put.Headers.ExpectContinue = picture.Length > LargeUpload;
        using var stored = isOurs ? await SendAsync(put, HttpCompletionOption.ResponseContentRead, cancellationToken) : await http.SendAsync(put, cancellationToken);
        await ThrowOnProblemAsync(stored, cancellationToken);
        var image = await PostAsync(
            "/api/v1/images/scan/callback", new { key = ticket.GetProperty("key").GetString(), etag = hash, content_length = picture.Length }, cancellationToken);
        return image.GetProperty("cdn_url").GetString()!;
    }

    /// <summary>Submits a scan under an idempotency key and returns the job id. The key makes it safe to repeat.</summary>
    public async Task<Guid> SubmitAsync(
        string imageUrl, string idempotencyKey, CancellationToken cancellationToken, string? userInput = null, string? model = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/scan")
        {
            Content = JsonContent.Create(new { image_url = imageUrl, user_input = userInput, model }),
        };
        request.Headers.Add("Idempotency-Key", idempotencyKey);
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        await ThrowOnProblemAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("job_id").GetGuid();
    }

    /// <summary>GET with the user's token; throws <see cref="ApiProblemException"/> on a problem.</summary>
    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>POST of JSON with the user's token; throws <see cref="ApiProblemException"/> on a problem.</summary>
    public Task<JsonElement> PostAsync(string path, object body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, JsonContent.Create(body), cancellationToken);

    /// <summary>Sends a request with the user's token; the caller judges the answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = _token;
        return await http.SendAsync(request, completion, cancellationToken);
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using var response = await SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        await ThrowOnProblemAsync(response, cancellationToken);
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    private static async Task ThrowOnProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        string code = "NO_PROBLEM_BODY", detail = body;
        if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            var problem = JsonDocument.Parse(body).RootElement;
            code = problem.TryGetProperty("code", out var value) ? value.GetString()! : code;
            detail = problem.TryGetProperty("detail", out value) ? value.GetString()! : detail;
        }

        throw new ApiProblemException(response.StatusCode, code, detail);
    }
}
