using System.ComponentModel.DataAnnotations;

namespace Images;

/// <summary>Settings of images.</summary>
public sealed class ImagesOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Images";

    /// <summary>
    /// Folder that component <c>objects</c> serves (its <c>rootPath</c>). Uploads are streamed into it, because a binding takes whole
    /// messages of a few megabytes only; everybody else reads through the binding.
    /// </summary>
    [Required]
    public string ObjectsPath { get; set; } = "";

    /// <summary>Address under which clients reach the gateway. Default <c>http://localhost:8080</c>.</summary>
    [Required]
    public Uri PublicBaseUrl { get; set; } = new("http://localhost:8080");

    /// <summary>
    /// Address below which a CDN serves our objects by their key, for example <c>https://images.example.org</c>. Default null: pictures have the gateway's
    /// address.
    /// </summary>
    public Uri? CdnBaseUrl { get; set; }

    /// <summary>Largest upload, bytes. Default 20 MiB.</summary>
    [Range(1024, 1024L * 1024 * 1024)]
    public long MaxUploadBytes { get; set; } = 20 * 1024 * 1024;

    /// <summary>
    /// Largest picture that another app may store, bytes. It comes through two sidecars, which take bodies of 4 MiB, and goes to the store as base64, a
    /// third longer. Default 3,000,000.
    /// </summary>
    [Range(1024, 100_000_000)]
    public int MaxServerUploadBytes { get; set; } = 3_000_000;

    /// <summary>Most pixels of a picture. Default 40 million.</summary>
    [Range(1, 1_000_000_000)]
    public long MaxPixels { get; set; } = 40_000_000;

    /// <summary>Longest side of a picture, pixels. Default 65,535.</summary>
    [Range(1, 1_000_000)]
    public int MaxSide { get; set; } = 65_535;

    /// <summary>How long a ticket is good for. Default 15 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan TicketLifetime { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>Tickets of one user that may be open at a time: neither finished nor expired. Default 20.</summary>
    [Range(1, 1000)]
    public int MaxOpenTickets { get; set; } = 20;

    /// <summary>
    /// Different files that one ticket takes, those on their way included; and different pictures that one id of a generated picture takes until one is
    /// complete. Default 5.
    /// </summary>
    [Range(1, 100)]
    public int MaxUploadsPerTicket { get; set; } = 5;

    /// <summary>
    /// What was uploaded and never finished, or broke off, is deleted this long after its last byte and a ticket's lifetime: at start
    /// and at every tick of <c>cron-uploads</c>. Finished pictures are kept. Default 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan AbandonedAfter { get; set; } = TimeSpan.FromHours(1);

    /// <summary>An upload that sends nothing for this long is cut. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan UploadIdleTimeout { get; set; } = TimeSpan.FromSeconds(30);
}
