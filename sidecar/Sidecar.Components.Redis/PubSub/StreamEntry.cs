using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Redis;

namespace Sidecar.Components.Redis.PubSub;

/// <summary>An entry of a stream: fields <c>data</c> and, where the publish had metadata, <c>metadata</c> (dapr/config §8.1).</summary>
/// <param name="Id">Id in the stream.</param>
/// <param name="Data">Bytes as published; none when another program wrote an entry without the field.</param>
/// <param name="Metadata">Metadata of the publish.</param>
/// <param name="Attempt">Deliveries, this one included.</param>
internal sealed record StreamEntry(string Id, ReadOnlyMemory<byte> Data, ComponentMetadata Metadata, int Attempt)
{
    private const string DataField = "data";
    private const string MetadataField = "metadata";

    /// <summary><c>XADD topic [MAXLEN ~ n | MINID ~ id] * data … [metadata {json}]</c></summary>
    public static RedisCommand Add(string topic, OutgoingMessage message, PubSubOptions options, DateTimeOffset now)
    {
        var arguments = new List<RedisArgument>(10) { topic };
        if (options.MaxLenApprox > 0)
        {
            arguments.AddRange(["MAXLEN", "~", options.MaxLenApprox]);
        }
        else if (options.StreamTtl > TimeSpan.Zero)
        {
            arguments.AddRange(["MINID", "~", Math.Max(0, (now - options.StreamTtl).ToUnixTimeMilliseconds())]);
        }

        arguments.AddRange(["*", DataField, message.Data]);
        if (message.Metadata.Count > 0)
        {
            arguments.AddRange([MetadataField, JsonSerializer.SerializeToUtf8Bytes(message.Metadata.ToDictionary())]);
        }

        return RedisCommand.Of("XADD", arguments);
    }

    /// <summary>Reads <c>[id, [field, value, …]]</c>.</summary>
    public static StreamEntry Read(RedisReply reply, int attempt = 1)
    {
        var (data, metadata) = (default(ReadOnlyMemory<byte>), ComponentMetadata.Empty);
        var fields = reply[1].Items;
        for (var i = 0; i + 1 < fields.Count; i += 2)
        {
            switch (fields[i].AsString())
            {
                case DataField:
                    data = fields[i + 1].AsBytes();
                    break;
                case MetadataField:
                    metadata = ReadMetadata(fields[i + 1].AsBytes());
                    break;
            }
        }

        return new StreamEntry(reply[0].AsString()!, data, metadata, attempt);
    }

    private static ComponentMetadata ReadMetadata(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<Dictionary<string, string>>(json.Span) is { } values ? new ComponentMetadata(values) : ComponentMetadata.Empty;
        }
        catch (JsonException)
        {
            // Not written by Dapr; the message itself may still be good.
            return ComponentMetadata.Empty;
        }
    }
}
