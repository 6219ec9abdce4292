using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace S3Servers;

/// <summary>A request that AWS would refuse, with its error code and status.</summary>
internal sealed class S3Refusal(int status, string code, string message) : Exception(message)
{
    public int Status => status;

    public string Code => code;
}

/// <summary>
/// Signature Version 4 as a server checks it (AWS "Authenticating Requests"): the canonical request is built from what came over the wire, and everything
/// that a client could get away with elsewhere is refused: an unsigned x-amz header, a body other than its hash, a clock that is off, an expired address.
/// </summary>
internal sealed class SigV4(string accessKey, string secretKey, string? sessionToken, string region, TimeProvider time)
{
    private const string Algorithm = "AWS4-HMAC-SHA256";
    private const string Service = "s3";
    private static readonly TimeSpan LargestSkew = TimeSpan.FromMinutes(15);

    public void Check(HttpContext context, byte[] body)
    {
        if (context.Request.Query.ContainsKey("X-Amz-Signature"))
        {
            CheckPresigned(context);
        }
        else
        {
            CheckHeaders(context, body);
        }
    }

    private void CheckHeaders(HttpContext context, byte[] body)
    {
        var headers = context.Request.Headers;
        var parts = headers.Authorization.ToString() is { Length: > 0 } authorization && authorization.StartsWith(Algorithm + " ", StringComparison.Ordinal)
            ? authorization[(Algorithm.Length + 1)..].Split(',').Select(part => part.Trim().Split('=', 2)).ToDictionary(part => part[0], part => part[1])
            : throw new S3Refusal(403, "AccessDenied", "the request is not signed");
        var signed = parts["SignedHeaders"].Split(';');
        var unsigned = headers.Keys.Select(name => name.ToLowerInvariant())
            .FirstOrDefault(name => (name.StartsWith("x-amz-", StringComparison.Ordinal) || name is "host" or "content-type") && !signed.Contains(name));
        if (unsigned is not null)
        {
            throw new S3Refusal(403, "AccessDenied", $"there were headers present in the request which were not signed: {unsigned}");
        }

        var date = Date(headers["x-amz-date"].ToString());
        if ((time.GetUtcNow() - date).Duration() > LargestSkew)
        {
            throw new S3Refusal(403, "RequestTimeTooSkewed", "the difference between the request time and the current time is too large");
        }

        // A server that does not know signed chunks would store their framing: it must not be sent.
        var hash = headers["x-amz-content-sha256"].ToString();
        if (hash != Convert.ToHexStringLower(SHA256.HashData(body)))
        {
            throw hash.StartsWith("STREAMING-", StringComparison.Ordinal)
                ? new S3Refusal(501, "NotImplemented", "chunked signing")
                : new S3Refusal(400, "XAmzContentSHA256Mismatch", "the provided x-amz-content-sha256 header does not match what was computed");
        }

        if (headers.ContentMD5.ToString() is { Length: > 0 } md5 && md5 != Convert.ToBase64String(MD5.HashData(body)))
        {
            throw new S3Refusal(400, "BadDigest", "the Content-MD5 you specified did not match what was received");
        }

        CheckToken(headers["x-amz-security-token"].ToString());
        Compare(context, parts["Credential"], parts["Signature"], date, signed, Query(context, null), hash);
    }

    private void CheckPresigned(HttpContext context)
    {
        var query = context.Request.Query;
        var date = Date(query["X-Amz-Date"].ToString());
        var lifetime = TimeSpan.FromSeconds(int.Parse(query["X-Amz-Expires"].ToString(), CultureInfo.InvariantCulture));
        if (time.GetUtcNow() > date + lifetime)
        {
            throw new S3Refusal(403, "AccessDenied", "Request has expired");
        }

        CheckToken(query["X-Amz-Security-Token"].ToString());
        Compare(
            context, query["X-Amz-Credential"].ToString(), query["X-Amz-Signature"].ToString(), date, query["X-Amz-SignedHeaders"].ToString().Split(';'),
            Query(context, "X-Amz-Signature"), "UNSIGNED-PAYLOAD");
    }

    private void CheckToken(string token)
    {
        if (token != (sessionToken ?? ""))
        {
            throw new S3Refusal(400, "InvalidToken", "the provided token is malformed or otherwise invalid");
        }
    }

    private void Compare(
        HttpContext context, string credential, string signature, DateTimeOffset date, IEnumerable<string> signedHeaders, string query, string payloadHash)
    {
        var day = date.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        var scope = $"{day}/{region}/{Service}/aws4_request";
        if (credential.Split('/')[0] != accessKey)
        {
            throw new S3Refusal(403, "InvalidAccessKeyId", "the access key id you provided does not exist in our records");
        }

        if (credential != $"{accessKey}/{scope}")
        {
            throw new S3Refusal(400, "AuthorizationHeaderMalformed", $"the scope must be {scope}");
        }

        var headers = string.Concat(signedHeaders.Select(name =>
            $"{name}:{string.Join(',', context.Request.Headers[name].Select(value => string.Join(' ', value!.Split(' ', StringSplitOptions.RemoveEmptyEntries))))}\n"));
        var canonical = $"{context.Request.Method}\n{RawPath(context)}\n{query}\n{headers}\n{string.Join(';', signedHeaders)}\n{payloadHash}";
        var text = $"{Algorithm}\n{date:yyyyMMddTHHmmssZ}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = new[] { day, region, Service, "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes("AWS4" + secretKey), Sign);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(Sign(key, text))), Encoding.ASCII.GetBytes(signature)))
        {
            throw new S3Refusal(403, "SignatureDoesNotMatch", "the request signature we calculated does not match the signature you provided");
        }
    }

    private static byte[] Sign(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static DateTimeOffset Date(string text) =>
        DateTimeOffset.TryParseExact(text, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date)
            ? date
            : throw new S3Refusal(403, "AccessDenied", "the request has no valid date");

    /// <summary>As it was sent: S3 encodes a path once and normalises nothing.</summary>
    private static string RawPath(HttpContext context) => RawTarget(context).Split('?')[0];

    private static string Query(HttpContext context, string? without) => RawTarget(context).Split('?', 2) is not [_, { Length: > 0 } query] ? "" : string.Join('&', query
        .Split('&').Select(pair => pair.Split('=', 2)).Select(pair => (Name: Uri.UnescapeDataString(pair[0]), Value: pair.Length == 2 ? Uri.UnescapeDataString(pair[1]) : ""))
        .Where(pair => pair.Name != without)
        .Select(pair => (Name: Uri.EscapeDataString(pair.Name), Value: Uri.EscapeDataString(pair.Value)))
        .OrderBy(pair => pair.Name, StringComparer.Ordinal).ThenBy(pair => pair.Value, StringComparer.Ordinal).Select(pair => $"{pair.Name}={pair.Value}"));

    private static string RawTarget(HttpContext context) => context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}
