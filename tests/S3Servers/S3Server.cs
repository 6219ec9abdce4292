using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace S3Servers;

/// <summary>An object with what was said about it when it was stored.</summary>
public sealed record StoredObject(byte[] Content, string? ContentType, string? StorageClass, string? Tags, string? Checksum = null);

/// <summary>S3 with one bucket in memory, path-style, that checks every signature as AWS does (<see cref="SigV4"/>).</summary>
public sealed class S3Server : IAsyncDisposable
{
    public const string Bucket = "pictures";
    public const string AccessKey = "AKIDEXAMPLE";
    public const string SecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// <summary>Headers that the bucket's CORS allows pages to send, as docs/images.md says it.</summary>
    private static readonly string[] PageHeaders = ["content-type", "if-none-match", "x-amz-checksum-sha256"];
    private static readonly XNamespace Space = "http://s3.amazonaws.com/doc/2006-03-01/";
    private readonly WebApplication _app;
    private readonly SigV4 _signatures;
    private int _requests;

    private S3Server(WebApplication app, SigV4 signatures) => (_app, _signatures) = (app, signatures);

    public string Address => _app.Urls.Single();

    public ConcurrentDictionary<string, StoredObject> Objects { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys that may not be deleted.</summary>
    public HashSet<string> Protected { get; } = [];

    /// <summary>Where every request is sent on to; null answers them here.</summary>
    public (int Status, string Location)? Elsewhere { get; set; }

    /// <summary>Origin whose pages may upload by the bucket's CORS; null as of a bucket that has none.</summary>
    public string? PageOrigin { get; set; }

    /// <summary>Requests that came in.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public static async Task<S3Server> StartAsync(TimeProvider? time = null, string? sessionToken = null, bool tls = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(options => options.Listen(System.Net.IPAddress.Loopback, 0, listen =>
        {
            if (tls)
            {
                listen.UseHttps(Certificate());
            }
        }));
        var app = builder.Build();
        var server = new S3Server(app, new SigV4(AccessKey, SecretKey, sessionToken, "us-east-1", time ?? TimeProvider.System));
        app.Run(server.HandleAsync);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        try
        {
            if (Elsewhere is var (status, location))
            {
                context.Response.Headers.Location = location;
                throw new S3Refusal(status, status == 307 ? "TemporaryRedirect" : "PermanentRedirect", "please send this request elsewhere");
            }

            if (IsPreflight(context))
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            _signatures.Check(context, body.ToArray());
            var path = context.Request.Path.Value!.TrimStart('/').Split('/', 2);
            if (path[0] != Bucket)
            {
                throw new S3Refusal(404, "NoSuchBucket", "the specified bucket does not exist");
            }

            await AnswerAsync(context, path.Length == 2 ? path[1] : "", body.ToArray());
        }
        catch (S3Refusal refusal)
        {
            context.Response.StatusCode = refusal.Status;
            if (HttpMethods.IsHead(context.Request.Method))
            {
                return;
            }

            await WriteAsync(context, new XElement("Error", new XElement("Code", refusal.Code), new XElement("Message", refusal.Message)));
        }
    }

    /// <summary>What a browser asks before a page's request, and what it looks for in the answer of that.</summary>
    private bool IsPreflight(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var isOurs = PageOrigin is not null && request.Headers.Origin == PageOrigin;
        if (isOurs)
        {
            response.Headers.AccessControlAllowOrigin = PageOrigin;
        }

        if (!HttpMethods.IsOptions(request.Method))
        {
            return false;
        }

        if (!isOurs || request.Headers.AccessControlRequestMethod != "PUT"
            || request.Headers.AccessControlRequestHeaders.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Except(PageHeaders).Any())
        {
            throw new S3Refusal(403, "AccessForbidden", "CORSResponse: this CORS request is not allowed");
        }

        response.Headers.AccessControlAllowMethods = "PUT";
        response.Headers.AccessControlAllowHeaders = string.Join(", ", PageHeaders);
        return true;
    }

    private Task AnswerAsync(HttpContext context, string key, byte[] body) => (context.Request.Method, key) switch
    {
        ("GET", "") => ListAsync(context),
        ("POST", "") => DeleteManyAsync(context, XDocument.Load(new MemoryStream(body))),
        ("PUT", _) => PutAsync(context, key, body),
        ("GET" or "HEAD", _) => GetAsync(context, key),
        ("DELETE", _) => DeleteAsync(context, key),
        _ => throw new S3Refusal(405, "MethodNotAllowed", "the specified method is not allowed against this resource"),
    };

    private Task PutAsync(HttpContext context, string key, byte[] body)
    {
        var headers = context.Request.Headers;
        string? checksum = headers["x-amz-checksum-sha256"];
        if (checksum is not null && checksum != Convert.ToBase64String(SHA256.HashData(body)))
        {
            throw new S3Refusal(400, "BadDigest", "the SHA256 you specified did not match the calculated checksum");
        }

        var stored = new StoredObject(body, context.Request.ContentType, headers["x-amz-storage-class"], headers["x-amz-tagging"], checksum);
        if (headers.IfNoneMatch != "*")
        {
            Objects[key] = stored;
        }
        else if (!Objects.TryAdd(key, stored))
        {
            throw new S3Refusal(412, "PreconditionFailed", "at least one of the pre-conditions you specified did not hold");
        }

        context.Response.Headers.ETag = Tag(body);
        return Task.CompletedTask;
    }

    private async Task GetAsync(HttpContext context, string key)
    {
        var found = Objects.GetValueOrDefault(key) ?? throw new S3Refusal(404, "NoSuchKey", "the specified key does not exist");
        context.Response.ContentType = found.ContentType ?? "binary/octet-stream";
        context.Response.Headers.ETag = Tag(found.Content);
        context.Response.ContentLength = found.Content.Length;
        if (found.Checksum is not null && context.Request.Headers["x-amz-checksum-mode"] == "ENABLED")
        {
            context.Response.Headers["x-amz-checksum-sha256"] = found.Checksum;
        }

        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        await context.Response.Body.WriteAsync(found.Content);
    }

    private Task DeleteAsync(HttpContext context, string key)
    {
        Objects.TryRemove(key, out _);
        context.Response.StatusCode = 204;
        return Task.CompletedTask;
    }

    private Task DeleteManyAsync(HttpContext context, XDocument request)
    {
        var result = new XElement(Space + "DeleteResult");
        foreach (var key in request.Descendants(Space + "Key").Select(key => key.Value))
        {
            if (Protected.Contains(key))
            {
                result.Add(new XElement(Space + "Error", new XElement(Space + "Key", key), new XElement(Space + "Code", "AccessDenied"), new XElement(Space + "Message", "Access Denied")));
            }
            else
            {
                Objects.TryRemove(key, out _);
                result.Add(new XElement(Space + "Deleted", new XElement(Space + "Key", key)));
            }
        }

        return WriteAsync(context, result);
    }

    /// <summary>ListObjects: keys after the marker; those that hold the delimiter after the prefix are one common prefix.</summary>
    private Task ListAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var (prefix, marker, delimiter) = (query["prefix"].ToString(), query["marker"].ToString(), query["delimiter"].ToString());
        var limit = query["max-keys"].ToString() is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : 1000;
        var names = Objects.Keys
            .Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(key, marker) > 0)
            .Select(key => delimiter.Length > 0 && key.IndexOf(delimiter, prefix.Length, StringComparison.Ordinal) is >= 0 and var end ? (Name: key[..(end + delimiter.Length)], Common: true) : (Name: key, Common: false))
            .Distinct().OrderBy(entry => entry.Name, StringComparer.Ordinal).ToArray();
        var page = names.Take(limit).ToArray();
        var truncated = page.Length < names.Length;
        return WriteAsync(context, new XElement(
            Space + "ListBucketResult",
            new XElement(Space + "Name", Bucket), new XElement(Space + "Prefix", prefix), new XElement(Space + "Marker", marker), new XElement(Space + "MaxKeys", limit),
            new XElement(Space + "IsTruncated", truncated ? "true" : "false"), truncated ? new XElement(Space + "NextMarker", page[^1].Name) : null,
            page.Where(entry => !entry.Common).Select(entry => new XElement(
                Space + "Contents",
                new XElement(Space + "Key", entry.Name), new XElement(Space + "LastModified", "2026-01-02T03:04:05.000Z"), new XElement(Space + "ETag", Tag(Objects[entry.Name].Content)),
                new XElement(Space + "Size", Objects[entry.Name].Content.Length), new XElement(Space + "StorageClass", "STANDARD"))),
            page.Where(entry => entry.Common).Select(entry => new XElement(Space + "CommonPrefixes", new XElement(Space + "Prefix", entry.Name)))));
    }

    private static async Task WriteAsync(HttpContext context, XElement element)
    {
        context.Response.ContentType = "application/xml";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting)));
    }

    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"";

    private static X509Certificate2 Certificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
