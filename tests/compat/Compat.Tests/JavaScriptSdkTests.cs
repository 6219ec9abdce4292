using System.Globalization;
using System.Text.RegularExpressions;
using LocalServers;
using Microsoft.Extensions.Logging;
using Sidecar.Abstractions;
using Sidecar.Api;

namespace Compat.Tests;

/// <summary>
/// The official JavaScript SDK against the sidecar: each program in <c>Node/</c> is an app that was written for Dapr and knows nothing of
/// this repository. It is run once with the SDK's HTTP client and once with its gRPC client; what it serves itself is HTTP.
/// </summary>
public sealed partial class JavaScriptSdkTests
{
    private const string ApiToken = "compat-token";

    [Theory]
    [InlineData("state", "http")]
    [InlineData("state", "grpc")]
    [InlineData("blocks", "http")]
    [InlineData("blocks", "grpc")]
    [InlineData("messages", "http")]
    [InlineData("messages", "grpc")]
    [InlineData("actors", "http")]
    [InlineData("actors", "grpc")]
    [InlineData("workflows", "http")]
    [InlineData("workflows", "grpc")]
    public async Task A_program_on_the_SDK_runs(string program, string protocol)
    {
        var folder = Directory.CreateTempSubdirectory("compat");
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Resources")))
            {
                File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
            }

            var appPort = FreePort.Next();
            await using var sidecar = await SidecarServer.StartAsync(
                new SidecarRun
                {
                    DataDirectory = Path.Combine(folder.FullName, "data"),
                    BaseDirectory = folder.FullName,
                    Instances = [new SidecarInstance { AppId = "compat", AppPort = appPort, HttpPort = 0, GrpcPort = 0, ApiToken = ApiToken, ResourcesPaths = [folder.FullName] }],
                },
                new SidecarServerOptions { Logging = logging => logging.ClearProviders() },
                TestContext.Current.CancellationToken);
            var ports = sidecar.Instances[0];

            var (code, output) = await NodePrograms.RunAsync(
                $"{program}.test.mjs",
                new Dictionary<string, string>
                {
                    ["COMPAT_PROTOCOL"] = protocol,
                    ["COMPAT_APP_PORT"] = Text(appPort),
                    ["COMPAT_HTTP_PORT"] = Text(ports.HttpPort),
                    ["COMPAT_GRPC_PORT"] = Text(ports.GrpcPort),
                    ["COMPAT_API_TOKEN"] = ApiToken,
                    ["COMPAT_FOLDER"] = folder.FullName,
                },
                TestContext.Current.CancellationToken);

            Assert.True(code == 0 && Passed().Match(output) is { Success: true, Groups: [_, { Value: not "0" }] }, output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    /// <summary>The summary of a TAP report: how many passed.</summary>
    [GeneratedRegex("^# pass ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Passed();
}
