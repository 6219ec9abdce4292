using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Tandem.Protocol.Grpc;

namespace Dapr.Workflow;

/// <summary>The channel to the sidecar, shared by client and worker.</summary>
internal sealed class SidecarConnection(GrpcChannel channel) : IDisposable
{
    private const int DefaultPort = 50001;

    private static readonly string UserAgent = "dapr-sdk-dotnet/v"
        + typeof(SidecarConnection).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    public GrpcChannel Channel { get; } = channel;

    public static SidecarConnection Create(IConfiguration? configuration) => new(new GrpcChannel(
        Address(configuration),
        new GrpcChannelOptions
        {
            Token = Setting(configuration, "DAPR_API_TOKEN"),
            UserAgent = UserAgent,
            MaxReceiveMessageBytes = null, // A long history is one message.
        }));

    /// <exception cref="InvalidOperationException">The endpoint is not an http or https address.</exception>
    /// <exception cref="FormatException">The port is not a number.</exception>
    internal static Uri Address(IConfiguration? configuration)
    {
        if (Setting(configuration, "DAPR_GRPC_ENDPOINT") is { Length: > 0 } endpoint)
        {
            return Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
                ? new Uri(uri!.GetLeftPart(UriPartial.Authority))
                : throw new InvalidOperationException("DAPR_GRPC_ENDPOINT is not an http or https address.");
        }

        var port = Setting(configuration, "DAPR_GRPC_PORT") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : DefaultPort;
        return new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", port).Uri;
    }

    public void Dispose() => Channel.Dispose();

    private static string? Setting(IConfiguration? configuration, string name) =>
        configuration?[name] ?? Environment.GetEnvironmentVariable(name);
}
