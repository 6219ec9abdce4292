using System.Text.Json;

namespace Sidecar.Components.Standard.Middleware;

/// <summary>
/// The keys of an issuer: read when first needed, again after <see cref="MaxAge"/> and for an unknown key id, but not within
/// <see cref="MinAge"/> of the last try, so that forged ids cause no load. When the issuer does not answer the old keys stay.
/// </summary>
internal sealed class KeyCache(Uri address, bool isIssuer, HttpClient http, TimeProvider time, Action<Exception> failed)
{
    public static readonly TimeSpan MinAge = TimeSpan.FromSeconds(10);
    public static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private volatile IReadOnlyList<JsonWebKey> _keys = [];
    private Task _reading = Task.CompletedTask;
    private long? _tried;

    /// <summary>The key of that id, all keys for null.</summary>
    public async ValueTask<IReadOnlyList<JsonWebKey>> FindAsync(string? id, CancellationToken cancellationToken)
    {
        var found = Select(id);
        Task reading;
        lock (_gate)
        {
            // One for all who wait, not bound to the patience of the first.
            if (_reading.IsCompleted && IsOlderThan(found.Count == 0 ? MinAge : MaxAge))
            {
                _tried = time.GetTimestamp();
                _reading = ReadAsync();
            }

            reading = _reading;
        }

        if (found.Count > 0)
        {
            return found;
        }

        await reading.WaitAsync(cancellationToken);
        return Select(id);
    }

    private IReadOnlyList<JsonWebKey> Select(string? id) => id is null ? _keys : [.. _keys.Where(key => key.Id == id)];

    private bool IsOlderThan(TimeSpan age) => _tried is not { } tried || time.GetElapsedTime(tried) >= age;

    private async Task ReadAsync()
    {
        try
        {
            using var set = await GetAsync(isIssuer ? await DiscoverAsync() : address);
            // The old ones are left to the collector: a request may just be using them.
            _keys = JsonWebKey.ReadAll(set.RootElement);
        }
        catch (Exception exception)
        {
            failed(exception);
        }
    }

    /// <summary>OpenID Connect Discovery §4: the document lies below the issuer.</summary>
    private async Task<Uri> DiscoverAsync()
    {
        using var document = await GetAsync(new Uri($"{address.ToString().TrimEnd('/')}/.well-known/openid-configuration"));
        return new Uri(document.RootElement.GetProperty("jwks_uri").GetString()!);
    }

    private async Task<JsonDocument> GetAsync(Uri uri) => JsonDocument.Parse(await http.GetByteArrayAsync(uri));
}
