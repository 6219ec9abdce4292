using System.ComponentModel.DataAnnotations;
using System.Net;
using Contracts;
using Gateway.Idempotency;
using Gateway.Security;

namespace Gateway;

/// <summary>Settings of the gateway, section <c>Gateway</c>; the route table is in gateway.routes.json.</summary>
public sealed class GatewayOptions : IValidatableObject
{
    public const string Section = "Gateway";

    /// <summary>What is forwarded where, by a name that configuration can override.</summary>
    [Required, MinLength(1)]
    public Dictionary<string, GatewayRoute> Routes { get; set; } = [];

    /// <summary>Paths, with all below them, that answer 501 <c>NOT_IMPLEMENTED</c>.</summary>
    public string[] NotImplemented { get; set; } = [];

    /// <summary>Apps that <c>GET /readyz</c> waits for.</summary>
    [Required, MinLength(1)]
    public string[] RequiredApps { get; set; } =
    [
        Apps.Auth, Apps.Images, Apps.Scan, Apps.ScanWorker, Apps.EventRouter, Apps.Sse, Apps.Characters, Apps.Users,
    ];

    /// <summary>Time limit of one app's answer to <c>GET /readyz</c>. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan ReadyTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Largest request body of a route that names no other limit, bytes. Default 1 MiB.</summary>
    [Range(0, 1L << 40)]
    public long MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>Bodies up to this size are held, so that a request can be sent again; larger ones are streamed. Default 64 KiB.</summary>
    [Range(0, 16 * 1024 * 1024)]
    public int ReplayBodyBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// How long a request is sent again for an app that restarts before it gets 503, on top of what the sidecar waits in each try; one that may not be sent twice waits in the
    /// sidecar alone (3 s). Default 10 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RestartGrace { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>First pause between tries; doubles up to 1 s. Default 100 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:00:10")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Time limit of a connection attempt. Default 2 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Time until an app has to answer with headers, counted from the last piece of a streamed request body. Default 100 s;
    /// answers that have begun have no limit.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(100);

    /// <summary>
    /// Proxies before the gateway, as addresses or networks (<c>10.0.0.0/8</c>), whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed.
    /// Default none.
    /// </summary>
    public string[] TrustedProxies { get; set; } = [];

    /// <summary>Whether plain HTTP from outside is redirected (pages) or refused (API). Default null: in Production.</summary>
    public bool? RequireHttps { get; set; }

    /// <summary>Header <c>Strict-Transport-Security</c> of answers over https outside Development; empty for none. Default a year, with subdomains.</summary>
    public string Hsts { get; set; } = "max-age=31536000; includeSubDomains";

    /// <summary>
    /// Origins of the buckets that our pages upload to, such as <c>https://tandem-objects.s3.eu-central-1.amazonaws.com</c>: where images keeps pictures in one,
    /// the pages' policy has to allow it. Default none: they talk to the gateway alone.
    /// </summary>
    public string[] UploadOrigins { get; set; } = [];

    /// <summary>Apps with canary replicas under the app id <c>{app}-canary</c>. Default none.</summary>
    public string[] CanaryApps { get; set; } = [];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext) =>
    [
        .. TrustedProxies.Where(proxy => !IPAddress.TryParse(proxy, out _) && !IPNetwork.TryParse(proxy, out _))
            .Select(proxy => new ValidationResult($"{Section}:TrustedProxies has '{proxy}', which is neither an address nor a network such as 10.0.0.0/8")),
        .. UploadOrigins.Where(origin => !CorsOptions.IsOrigin(origin))
            .Select(origin => new ValidationResult($"{Section}:UploadOrigins has '{origin}'; {CorsOptions.WhatAnOriginIs}")),
    ];
}

/// <summary>A line of the route table.</summary>
public sealed class GatewayRoute
{
    /// <summary>Route pattern, e.g. <c>/api/v1/scan/{**rest}</c>.</summary>
    [Required]
    public string Path { get; set; } = "";

    /// <summary>Methods; empty for all.</summary>
    public string[] Methods { get; set; } = [];

    /// <summary>App id.</summary>
    [Required]
    public string App { get; set; } = "";

    /// <summary>
    /// Forward to the app's own address (<c>services:{app}:http:{n}</c>) instead of by service invocation: event streams and
    /// uploads, which must not pass through a sidecar. The app then verifies the token itself.
    /// </summary>
    public bool ByAddress { get; set; }

    /// <summary>Whether the route answers without a token.</summary>
    public bool Public { get; set; }

    /// <summary>
    /// Forward the client's credentials (<c>Authorization</c>, <c>Cookie</c>, <c>X-Refresh-Token</c>) as they are: for auth alone, which made them.
    /// </summary>
    public bool Credentials { get; set; }

    /// <summary>
    /// Scope that a machine client needs, of <see cref="Contracts.Identity.Scopes"/>; null: machine clients are refused, unless the route is
    /// <see cref="IsOpen"/>. People are not limited by scopes.
    /// </summary>
    public string? Scope { get; set; }

    /// <summary>Whether it makes no difference who asks.</summary>
    internal bool IsOpen => Public && !Credentials;

    /// <summary>Names of the limits that count its requests (<c>Gateway:RateLimits:Policies</c>); null for the default ones, empty for none.</summary>
    public string[]? Limits { get; set; }

    /// <summary>Who answers a repeated write with the same <c>Idempotency-Key</c>.</summary>
    public IdempotencyBy Idempotency { get; set; }

    /// <summary>
    /// Whether a write without a key may be sent again when nobody knows what became of it: the app makes the same of it, or something that ends by itself. Default false.
    /// </summary>
    public bool Repeatable { get; set; }

    /// <summary>Largest request body, bytes; null for the general limit.</summary>
    public long? MaxBodyBytes { get; set; }

    /// <summary>Leading part of the path that is replaced by <see cref="RewriteTo"/>.</summary>
    public string? RewriteFrom { get; set; }

    /// <summary>See <see cref="RewriteFrom"/>.</summary>
    public string? RewriteTo { get; set; }
}
