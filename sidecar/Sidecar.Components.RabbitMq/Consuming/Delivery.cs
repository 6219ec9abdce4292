using System.Text;
using RabbitMQ.Client;

namespace Sidecar.Components.RabbitMq.Consuming;

/// <summary>A message from a queue.</summary>
/// <param name="Tag">Its number on the channel.</param>
/// <param name="Redelivered">Whether it was handed over before.</param>
/// <param name="Properties">As published, with the broker's headers.</param>
/// <param name="Body">A copy: the client's buffer is used again.</param>
internal sealed record Delivery(ulong Tag, bool Redelivered, IReadOnlyBasicProperties Properties, ReadOnlyMemory<byte> Body)
{
    /// <summary>
    /// 1 for the first time. A quorum queue counts what came back, for whatever reason; a classic queue only knows that it was handed over before.
    /// </summary>
    public int Attempt => Header("x-delivery-count") switch
    {
        long count => (int)Math.Min(count, int.MaxValue - 1) + 1,
        int count => count + 1,
        _ => Redelivered ? 2 : 1,
    };

    /// <summary>Headers as text; tables and lists are left out.</summary>
    public IEnumerable<KeyValuePair<string, string>> Headers()
    {
        foreach (var (name, value) in Properties.Headers ?? new Dictionary<string, object?>())
        {
            if (value switch { byte[] bytes => Encoding.UTF8.GetString(bytes), IFormattable number => number.ToString(null, null), bool flag => flag ? "true" : "false", _ => value as string } is { } text)
            {
                yield return new(name, text);
            }
        }
    }

    private object? Header(string name) => Properties.Headers?.TryGetValue(name, out var value) == true ? value : null;
}
