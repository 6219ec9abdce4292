using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.WebUtilities;
using Sidecar.Api.Http;
using Sidecar.Runtime;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using Status = Tandem.Protocol.Runtime.Status;

namespace Sidecar.Api.Grpc;

/// <summary>The errors of the Dapr API as gRPC statuses with google.rpc details (grpc §1.2, §1.3).</summary>
internal static class GrpcErrors
{
    private const string DetailsTrailer = "grpc-status-details-bin";
    private const string Domain = "dapr.io";

    /// <summary>What an app's own answer tells is cut at this length.</summary>
    private const int MaxHttpDetail = 256;

    /// <summary>An error of the API. Reason of its ErrorInfo is Dapr's, or the error code where Dapr has the legacy shape.</summary>
    public static GrpcException From(DaprErrorException error, GrpcCallContext context)
    {
        var info = new ErrorInfo
        {
            Domain = Domain, Reason = error.Reason ?? error.ErrorCode, Metadata = { ["appID"] = context.HttpContext.App().Instance.AppId },
        };
        IMessage[] details = error.Resource is var (type, name)
            ? [info, new ResourceInfo { ResourceType = type, ResourceName = name }]
            : [info];
        return Create(StatusOf(error), error.Message, details, context);
    }

    /// <summary>An answer of an app over HTTP that is not 2xx.</summary>
    public static GrpcException FromHttp(int status, string detail, GrpcCallContext context)
    {
        var text = ReasonPhrases.GetReasonPhrase(status);
        var info = new ErrorInfo
        {
            Domain = Domain,
            Reason = text,
            Metadata =
            {
                ["http.code"] = status.ToString(CultureInfo.InvariantCulture),
                ["http.error_message"] = detail.Length > MaxHttpDetail ? detail[..MaxHttpDetail] : detail,
            },
        };
        return Create(OfHttp(status), text, [info], context);
    }

    private static GrpcException Create(GrpcStatusCode code, string message, IMessage[] details, GrpcCallContext context)
    {
        var status = new Status { Code = (int)code, Message = message, Details = { details.Select(detail => Any.Pack(detail)) } };
        context.ResponseTrailers[DetailsTrailer] = Convert.ToBase64String(status.ToByteArray());
        return new GrpcException(code, message);
    }

    private static GrpcStatusCode StatusOf(DaprErrorException error) => error switch
    {
        { Reason: "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED" } => GrpcStatusCode.Unimplemented,
        { Status: 409 } when error.ErrorCode.StartsWith("ERR_STATE", StringComparison.Ordinal) => GrpcStatusCode.Aborted,
        { Status: 404 } when error.ErrorCode.StartsWith("ERR_PUBSUB", StringComparison.Ordinal) => GrpcStatusCode.InvalidArgument,
        { ErrorCode: "ERR_ACTOR_INSTANCE_MISSING" } => GrpcStatusCode.Internal,
        { ErrorCode: "ERR_TOPIC_NAME_EMPTY" or "ERR_SECRET_STORE_NOT_FOUND" } => GrpcStatusCode.InvalidArgument,
        { Status: 400 or 500 } when error.ErrorCode.EndsWith("_NOT_CONFIGURED", StringComparison.Ordinal) => GrpcStatusCode.FailedPrecondition,
        { Status: 400 } => GrpcStatusCode.InvalidArgument,
        { Status: 401 } => GrpcStatusCode.Unauthenticated,
        { Status: 403 } => GrpcStatusCode.PermissionDenied,
        { Status: 404 } => GrpcStatusCode.NotFound,
        { Status: 409 } => GrpcStatusCode.AlreadyExists,
        { Status: 412 } => GrpcStatusCode.FailedPrecondition,
        { Status: 413 or 429 } => GrpcStatusCode.ResourceExhausted,
        { Status: 501 } => GrpcStatusCode.Unimplemented,
        { Status: 503 } => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Internal,
    };

    private static GrpcStatusCode OfHttp(int status) => status switch
    {
        400 => GrpcStatusCode.Internal,
        401 => GrpcStatusCode.Unauthenticated,
        403 => GrpcStatusCode.PermissionDenied,
        404 => GrpcStatusCode.NotFound,
        408 => GrpcStatusCode.Cancelled,
        409 => GrpcStatusCode.AlreadyExists,
        429 => GrpcStatusCode.ResourceExhausted,
        501 => GrpcStatusCode.Unimplemented,
        503 => GrpcStatusCode.Unavailable,
        504 => GrpcStatusCode.DeadlineExceeded,
        _ => GrpcStatusCode.Unknown,
    };
}
