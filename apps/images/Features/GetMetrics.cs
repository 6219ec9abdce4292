using Images.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ServiceDefaults;

namespace Images.Features;

/// <summary>
/// <c>GET /api/v1/images/metrics</c>: how uploads are set up here, to anybody, as at the original service: all of it stands in every ticket. The instruments are at
/// <c>/metrics</c>, which answers to the app token alone.
/// </summary>
internal static class GetMetrics
{
    /// <param name="Bucket">Where pictures are; null when that is a folder.</param>
    /// <param name="CdnDomain">What the address of a picture begins with; its key follows.</param>
    /// <param name="PresignExpiresSeconds">How long a ticket is good for.</param>
    /// <param name="AllowedChannels">Channels that give tickets.</param>
    /// <param name="AuthRequired">Whether a ticket needs a token: always.</param>
    public sealed record Answer(string? Bucket, Uri CdnDomain, int PresignExpiresSeconds, IReadOnlyList<string> AllowedChannels, bool AuthRequired);

    public static void MapGetMetrics(this IEndpointRouteBuilder images) => images.MapGet("/metrics", Handle).WithName(nameof(GetMetrics))
        .WithAnswerExample(new Answer("tandem-objects", new Uri("https://images.example.org/"), 900, ["chat", "scan", "my"], AuthRequired: true));

    private static Ok<Answer> Handle(IOptions<ImagesOptions> options)
    {
        var settings = options.Value;
        return TypedResults.Ok(new Answer(
            settings.Storage == PictureStorage.S3 ? settings.S3.Bucket : null, settings.CdnUrl(""), (int)settings.TicketLifetime.TotalSeconds, ImageKey.Channels,
            AuthRequired: true));
    }
}
