using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Sidecar.Abstractions;

namespace Sidecar.Components.Aws;

/// <summary>What went wrong with a call, as a sentence that says what to change. It names the server and the bucket, never a key of the credentials.</summary>
internal static class S3Failure
{
    public static BindingException Of(Exception exception, S3Settings settings, bool timedOut) => new(Sentence(exception, settings, timedOut), innerException: exception);

    private static string Sentence(Exception exception, S3Settings settings, bool timedOut)
    {
        var server = settings.Endpoint?.ToString().TrimEnd('/') ?? "AWS";
        if (timedOut)
        {
            return $"no answer from {server} within {settings.Timeout}: it accepts no requests, or metadata 'timeout' is too short";
        }

        return exception switch
        {
            AmazonS3Exception { ErrorCode: "NoSuchKey" } => "object not found",
            AmazonS3Exception { ErrorCode: "NoSuchBucket" } => $"bucket '{settings.Bucket}' does not exist at {server}: create it, or change metadata 'bucket'",
            AmazonS3Exception { StatusCode: >= HttpStatusCode.MovedPermanently and < HttpStatusCode.BadRequest and not HttpStatusCode.NotModified } moved =>
                Elsewhere(server, settings, Code(moved)),
            // How the client says that a redirect leads to a host that is not one of AWS.
            ArgumentException invalid when invalid.Message.StartsWith("Invalid S3 URI", StringComparison.Ordinal) => Elsewhere(server, settings, "TemporaryRedirect"),
            AmazonS3Exception { ErrorCode: "InvalidAccessKeyId" or "SignatureDoesNotMatch" or "InvalidToken" or "ExpiredToken" or "TokenRefreshRequired" } refused =>
                $"{server} refused the credentials ({Code(refused)}): check {Where(settings)}",
            AmazonS3Exception { ErrorCode: "RequestTimeTooSkewed" } =>
                $"{server} refused the request for its time: the clock of this machine is wrong",
            AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } denied =>
                $"{server} denied access to bucket '{settings.Bucket}' ({Code(denied)}): give the credentials the right to this operation, or check {Where(settings)}",
            AmazonS3Exception { StatusCode: HttpStatusCode.NotFound } => "object not found",
            AmazonS3Exception other => $"{server} answered {(int)other.StatusCode} ({Code(other)}): {other.Message}",
            HttpRequestException unreachable => Unreachable(server, unreachable),
            AmazonClientException { InnerException: HttpRequestException unreachable } => Unreachable(server, unreachable),
            AmazonClientException when settings.Credentials is null => $"there are no credentials for {server}: set {Where(settings)} ({exception.Message})",
            _ => $"the call of {server} failed: {exception.Message}",
        };
    }

    private static string Elsewhere(string server, S3Settings settings, string code) =>
        $"{server} has bucket '{settings.Bucket}' elsewhere ({code}): set metadata 'region' or 'endpoint' to where it is; a redirect is followed to hosts of AWS alone";

    private static string Unreachable(string server, HttpRequestException exception) =>
        $"{server} cannot be reached: {exception.InnerException?.Message ?? exception.Message}; check that it runs and that metadata 'endpoint' is right";

    private static string Code(AmazonS3Exception exception) => exception.ErrorCode is { Length: > 0 } code ? code : exception.StatusCode.ToString();

    private static string Where(S3Settings settings) => settings.Credentials is null
        ? "metadata 'accessKey' and 'secretKey', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment of the sidecar"
        : "metadata 'accessKey' and 'secretKey'";
}
