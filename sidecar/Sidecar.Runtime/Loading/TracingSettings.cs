using System.Globalization;
using Sidecar.Abstractions;

namespace Sidecar.Runtime.Loading;

/// <summary>
/// <c>spec.tracing</c> of a Configuration (protocol: config §4). Spans are made when <see cref="SamplingRate"/> is more than 0; Zipkin is
/// not spoken, so <c>zipkin</c> is read past.
/// </summary>
/// <param name="SamplingRate">Share of new traces that is recorded, 0 to 1; a trace that the caller records is recorded here too.</param>
/// <param name="Stdout">Whether spans are written to the log.</param>
/// <param name="Otlp">Where spans are sent, or null.</param>
public sealed record TracingSettings(double SamplingRate, bool Stdout, OtlpTarget? Otlp)
{
    internal static TracingSettings Read(YamlMap tracing, string file)
    {
        var text = tracing.Text("samplingRate") is { Length: > 0 } given ? given : "0";
        if (!double.TryParse(text, CultureInfo.InvariantCulture, out var rate) || rate is not (>= 0 and <= 1))
        {
            throw new ComponentException($"{file}: spec.tracing.samplingRate is '{text}', not a number from 0 to 1");
        }

        var otel = tracing.Map("otel");
        return new TracingSettings(rate, tracing.Text("stdout") == "true", otel.Text("endpointAddress") is { Length: > 0 } address
            ? OtlpTarget.Read(otel, address, file)
            : null);
    }
}

/// <summary>An OTLP receiver.</summary>
/// <param name="Endpoint">Address with scheme, without the path of the protocol.</param>
/// <param name="IsGrpc">OTLP over gRPC, else over HTTP with protobuf.</param>
/// <param name="Headers">Sent with every export.</param>
/// <param name="Timeout">Of one export; null is the exporter's own, 10 s.</param>
public sealed record OtlpTarget(Uri Endpoint, bool IsGrpc, IReadOnlyDictionary<string, string> Headers, TimeSpan? Timeout)
{
    internal static OtlpTarget Read(YamlMap otel, string address, string file)
    {
        // Without a word the connection is secure.
        var scheme = otel.Text("isSecure") == "false" ? "http" : "https";
        if (!Uri.TryCreate(address.Contains("://", StringComparison.Ordinal) ? address : $"{scheme}://{address}", UriKind.Absolute, out var endpoint))
        {
            throw new ComponentException($"{file}: spec.tracing.otel.endpointAddress '{address}' is not host:port");
        }

        TimeSpan? timeout = null;
        if (otel.Text("timeout") is { Length: > 0 } text)
        {
            timeout = GoDuration.TryParse(text, out var value) ? value : throw new ComponentException($"{file}: spec.tracing.otel.timeout '{text}' is not a duration");
        }

        return new OtlpTarget(
            endpoint,
            otel.Text("protocol")?.ToLowerInvariant() switch
            {
                "http" => false,
                null or "" or "grpc" => true,
                var other => throw new ComponentException($"{file}: spec.tracing.otel.protocol is '{other}', not http or grpc"),
            },
            otel.Maps("headers").Where(header => header.Text("name") is not null)
                .ToDictionary(header => header.Text("name")!, header => header.Text("value") ?? "", StringComparer.OrdinalIgnoreCase),
            timeout);
    }
}
