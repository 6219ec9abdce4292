using System.Diagnostics;
using System.Globalization;
using Ai;
using Ai.Catalogue;
using Ai.Providers;
using Ai.Providers.OpenAi;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using ModelServers;
using ModelServers.OpenAi;

namespace Load.Models;

/// <summary>
/// Time to the first token of a stream over the same protocol server, three ways in turns: a bare HTTP client that reads up to the first line with text, the
/// provider's client alone, and through all policies.
/// </summary>
internal static class FirstToken
{
    private const int Calls = 300;
    private const string Question = "What goes into the blue bin?";

    public static async Task MeasureAsync(int rounds, TextWriter output, CancellationToken cancellationToken)
    {
        var protocol = new OpenAiProtocol();
        await using var server = await ModelServer.StartAsync(protocol);
        server.Brain = _ => ModelReply.Text("The blue bin takes paper.", pieces: ["The ", "blue ", "bin ", "takes ", "paper."]);
        var baseUrl = protocol.BaseUrl(server.Address);
        await using var services = ModelLoad.Services(baseUrl);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var models = services.GetRequiredService<IModels>();
        var options = new ProviderOptions { Kind = "openai", BaseUrl = baseUrl };
        using var alone = new OpenAiProvider().CreateChat(new ProviderConnection("openai", options, ModelLoad.Key, http), "gpt-5.2");
        Func<Task<double>>[] ways =
        [
            () => BareAsync(http, baseUrl, cancellationToken),
            () => ClientAsync(alone, cancellationToken),
            () => ClientAsync(models.Chat(models.Find(ModelLoad.Model, ModelCapabilities.Chat)), cancellationToken),
        ];
        var times = ways.Select(_ => new List<double>()).ToArray();
        for (var round = -1; round < rounds; round++)
        {
            for (var call = 0; call < Calls; call++)
            {
                for (var way = 0; way < ways.Length; way++)
                {
                    var time = await ways[way]();
                    if (round >= 0)
                    {
                        times[way].Add(time);
                    }
                }
            }
        }

        await output.WriteLineAsync($"Time to the first token, ms, {rounds * Calls:N0} streams each, taken in turns");
        string[] names = ["bare HTTP client", "the provider's client alone", "through all policies"];
        for (var way = 0; way < ways.Length; way++)
        {
            times[way].Sort();
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"  {names[way],-28} p50 {At(times[way], 0.5):N3}  p95 {At(times[way], 0.95):N3}   p50 to bare: x {At(times[way], 0.5) / At(times[0], 0.5):N2}, {At(times[way], 0.5) - At(times[0], 0.5):+0.000;-0.000} ms"));
        }
    }

    public static double At(List<double> sorted, double share) => sorted[Math.Min((int)(sorted.Count * share), sorted.Count - 1)];

    private static async Task<double> BareAsync(HttpClient http, Uri baseUrl, CancellationToken cancellationToken)
    {
        var begin = Stopwatch.GetTimestamp();
        double? first = null;
        await foreach (var _ in BareClient.StreamAsync(http, baseUrl, Question, cancellationToken))
        {
            first ??= Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        }

        return first ?? throw new InvalidOperationException("the stream had no text");
    }

    private static async Task<double> ClientAsync(IChatClient client, CancellationToken cancellationToken)
    {
        var begin = Stopwatch.GetTimestamp();
        double? first = null;
        await foreach (var update in client.GetStreamingResponseAsync(
            [new ChatMessage(ChatRole.User, Question)], cancellationToken: cancellationToken))
        {
            if (update.Text.Length > 0)
            {
                first ??= Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            }
        }

        return first ?? throw new InvalidOperationException("the stream had no text");
    }
}
