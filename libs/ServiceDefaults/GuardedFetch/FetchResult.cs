namespace ServiceDefaults.GuardedFetch;

/// <summary>What a guarded fetch brought: one of the two.</summary>
/// <param name="Content">What was fetched.</param>
/// <param name="Failure">Why nothing was.</param>
public sealed record FetchResult(FetchedContent? Content, FetchFailure? Failure);

/// <summary>Content from an address that a user named. Its bytes are as untrusted as the user.</summary>
/// <param name="Bytes">The content.</param>
/// <param name="MediaType">Its kind by its first bytes; what the server called it is not asked.</param>
public sealed record FetchedContent(byte[] Bytes, string MediaType);

/// <summary>Why a guarded fetch brought nothing. Says nothing of what the other side sent and names no address that a name stands for.</summary>
/// <param name="Status">HTTP status for a problem that hands it on.</param>
/// <param name="Code">Stable code, see docs/models.md.</param>
/// <param name="Detail">A sentence for people.</param>
public sealed record FetchFailure(int Status, string Code, string Detail)
{
    internal static FetchFailure UrlInvalid(string why) => new(400, "FETCH_URL_INVALID", $"this is no address that pictures are fetched from: {why}");

    internal static FetchFailure HostForbidden() => new(400, "FETCH_HOST_FORBIDDEN", "pictures are not fetched from this host");

    internal static FetchFailure Unreachable() => new(422, "FETCH_UNREACHABLE", "the host was not found or did not answer");

    internal static FetchFailure Timeout(string what) => new(422, "FETCH_TIMEOUT", $"the host took too long for {what}");

    internal static FetchFailure Answered(int status) => new(422, "FETCH_STATUS", $"the host answered {status} instead of the picture");

    internal static FetchFailure Redirected(int most) => new(422, "FETCH_REDIRECTED", $"the host redirects more than {most} times, or not to an address");

    internal static FetchFailure TooLarge(int most) => new(413, "FETCH_TOO_LARGE", $"the picture is larger than {most} bytes");

    internal static FetchFailure TypeUnsupported(IEnumerable<string> types) =>
        new(415, "FETCH_TYPE_UNSUPPORTED", $"the content is none of {string.Join(", ", types)}, uncompressed");

    internal static FetchFailure Broken() => new(422, "FETCH_BROKEN", "the host broke off, or does not speak HTTP");
}
