using System.Collections.Concurrent;

namespace Gateway.Forwarding;

/// <summary>
/// Addresses of app replicas from configuration, <c>services:{app id}:http:{n}</c>: the convention of .NET service discovery,
/// also as environment variables with <c>_</c> for <c>-</c>.
/// </summary>
internal sealed class ServiceAddresses(IConfiguration configuration)
{
    private readonly ConcurrentDictionary<string, Replicas> _apps = new(StringComparer.Ordinal);

    /// <summary>All replicas, each call beginning with the next one (round robin). Empty when none is configured.</summary>
    public IReadOnlyList<Uri> InTurn(string app)
    {
        var replicas = _apps.GetOrAdd(app, static (app, configuration) => new Replicas(Read(configuration, app)), configuration);
        return replicas.InTurn();
    }

    private static Uri[] Read(IConfiguration configuration, string app)
    {
        var section = configuration.GetSection($"services:{app}:http");
        if (!section.Exists())
        {
            section = configuration.GetSection($"services:{app.Replace('-', '_')}:http");
        }

        return
        [
            .. section.GetChildren()
                .OrderBy(child => int.TryParse(child.Key, out var n) ? n : int.MaxValue)
                .Select(child => Uri.TryCreate(child.Value, UriKind.Absolute, out var address)
                    ? address
                    : throw new InvalidOperationException($"{child.Path} is not an address")),
        ];
    }

    private sealed class Replicas(Uri[] addresses)
    {
        private uint _next;

        public IReadOnlyList<Uri> InTurn()
        {
            if (addresses.Length <= 1)
            {
                return addresses;
            }

            var first = (int)((Interlocked.Increment(ref _next) - 1) % (uint)addresses.Length);
            return [.. addresses[first..], .. addresses[..first]];
        }
    }
}
