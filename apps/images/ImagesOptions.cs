using System.ComponentModel.DataAnnotations;

namespace Images;

/// <summary>Where pictures are.</summary>
public enum PictureStorage
{
    /// <summary>A folder, which component <c>objects</c> serves as <c>bindings.localstorage</c>, or a bucket that is mounted as one.</summary>
    Local,

    /// <summary>A bucket of AWS or of any server that speaks S3; component <c>objects</c> is the same bucket.</summary>
    S3,
}

/// <summary>Settings of images.</summary>
public sealed class ImagesOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Images";

    /// <summary>Where pictures are. Default <see cref="PictureStorage.Local"/>: uploads come through images, streamed into the folder.</summary>
    public PictureStorage Storage { get; set; }

    /// <summary>The bucket; for <see cref="PictureStorage.S3"/> alone.</summary>
    public S3Options S3 { get; set; } = new();

    /// <summary>
    /// Folder that component <c>objects</c> serves (its <c>rootPath</c>). Uploads are streamed into it, because a binding takes whole
    /// messages of a few megabytes only; everybody else reads through the binding. A bucket makes no use of it.
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
    /// Largest picture that another app may store, and largest that is written by component <c>objects</c>, bytes. It comes through two sidecars, which take
    /// bodies of 4 MiB, and goes to the store as base64, a third longer. Larger ones of clients are streamed past the component. Default 3,000,000.
    /// </summary>
    [Range(1024, 100_000_000)]
    public int MaxServerUploadBytes { get; set; } = 3_000_000;

    /// <summary>
    /// What a user's finished pictures may take together, bytes; as they are stored, without thumbnails. Generated pictures do not count. Default 1 GiB.
    /// </summary>
    [Range(1, long.MaxValue)]
    public long MaxBytesPerUser { get; set; } = 1024L * 1024 * 1024;

    /// <summary>
    /// Uploads that are made into pictures at a time; others wait. Each takes up to 7 bytes of memory per pixel of <see cref="MaxPixels"/> and its file. Default 2.
    /// </summary>
    [Range(1, 64)]
    public int MaxDecodes { get; set; } = 2;

    /// <summary>Quality of JPEG pictures, 1 to 100 on the scale of the IJG library. Default 90.</summary>
    [Range(1, 100)]
    public int JpegQuality { get; set; } = 90;

    /// <summary>Longest side of a thumbnail, pixels. Default 320.</summary>
    [Range(16, 2048)]
    public int ThumbnailSide { get; set; } = 320;

    /// <summary>Most pixels of a picture. Default 40 million.</summary>
    [Range(1, 1_000_000_000)]
    public long MaxPixels { get; set; } = 40_000_000;

    /// <summary>Longest side of a picture, pixels. Default 65,535.</summary>
    [Range(1, 1_000_000)]
    public int MaxSide { get; set; } = 65_535;

    /// <summary>How long a ticket is good for, and the signed address with it. Default 15 min.</summary>
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
    /// What was begun and never finished, or broke off, is deleted this long after a ticket's lifetime, at a tick of <c>cron-uploads</c>; files in the folder
    /// also at start. Finished pictures are kept. Default 1 h.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "30.00:00:00")]
    public TimeSpan AbandonedAfter { get; set; } = TimeSpan.FromHours(1);

    /// <summary>An upload that sends nothing for this long is cut. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan UploadIdleTimeout { get; set; } = TimeSpan.FromSeconds(30);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Storage == PictureStorage.S3)
        {
            var problems = new List<ValidationResult>();
            Validator.TryValidateObject(S3, new ValidationContext(S3), problems, validateAllProperties: true);
            foreach (var problem in problems)
            {
                yield return new ValidationResult($"{Section}:{nameof(S3)}: {problem.ErrorMessage}", problem.MemberNames);
            }
        }
    }
}

/// <summary>Settings of the bucket.</summary>
public sealed class S3Options : IValidatableObject
{
    /// <summary>Address of the server, as clients reach it too: <c>https://s3.example.org</c>. Default null: AWS, in <see cref="Region"/>.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>Region, for example <c>eu-central-1</c>. Default null: <c>us-east-1</c>, where there is an <see cref="Endpoint"/>; else it is needed.</summary>
    public string? Region { get; set; }

    /// <summary>Bucket; that of component <c>objects</c>.</summary>
    [Required]
    public string Bucket { get; set; } = "";

    /// <summary>Whether the bucket is a part of the path and not of the host. Default false; most servers other than AWS need it.</summary>
    public bool ForcePathStyle { get; set; }

    /// <summary>What the keys of unfinished uploads begin with. Nobody else may read there. Default <c>uploads/</c>.</summary>
    [Required, RegularExpression("[a-z0-9-]+/")]
    public string UploadPrefix { get; set; } = "uploads/";

    /// <summary>
    /// Secret of component <c>secrets</c> with the entries <c>access_key</c>, <c>secret_key</c> and, for temporary credentials, <c>session_token</c>; where a
    /// store keeps one text per secret, a JSON object of them. Default <c>object-store</c>.
    /// </summary>
    [Required]
    public string Secret { get; set; } = "object-store";

    /// <summary>How long the secret is not read again, unless the server refuses what was read. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan SecretsKept { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether signed addresses demand <c>If-None-Match: *</c>, so that an upload cannot be replaced. Default true; false for servers without it.</summary>
    public bool WriteOnce { get; set; } = true;

    /// <summary>Limit of a call with all its retries, reading a body aside. Default 30 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Endpoint is null && string.IsNullOrEmpty(Region))
        {
            yield return new ValidationResult("Endpoint or Region is needed");
        }
    }
}
