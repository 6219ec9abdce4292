using Google.Apis.Util;

namespace Ai.Providers.Google.Credentials;

/// <summary>The clock by which Google.Apis.Auth tells whether a token is old.</summary>
internal sealed class GoogleClock(TimeProvider time) : IClock
{
    [Obsolete("Use UtcNow.")]
    public DateTime Now => time.GetLocalNow().DateTime;

    public DateTime UtcNow => time.GetUtcNow().UtcDateTime;
}
