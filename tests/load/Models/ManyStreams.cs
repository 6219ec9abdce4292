using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Ai;
using Ai.Catalogue;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using ModelServers;
using ModelServers.OpenAi;

namespace Load.Models;

/// <summary>
/// Many streams at a time through all policies, from a server in the same process. Meanwhile a heartbeat is due every 10 ms: were the pool's threads
/// blocked, it would be late by much more than the work that there is.
/// </summary>
internal static class ManyStreams
{
    private const int Pieces = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    public static async Task MeasureAsync(int streams, TextWriter output, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        var protocol = new OpenAiProtocol();
        await using var server = await ModelServer.StartAsync(protocol);
        var pieces = Enumerable.Range(0, Pieces).Select(piece => $"piece {piece} ").ToArray();
        server.Brain = _ => ModelReply.Text(string.Concat(pieces), pieces: pieces) with { Between = token => Task.Delay(Pause, token) };
        await using var services = ModelLoad.Services(protocol.BaseUrl(server.Address));
        var models = services.GetRequiredService<IModels>();
        var client = models.Chat(models.Find(ModelLoad.Model, ModelCapabilities.Chat));
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{streams:N0} streams at a time, {Pieces} pieces each, one every {Pause.TotalMilliseconds:N0} ms, on {Environment.ProcessorCount} cores, client and server in one process"));
        await MeasureAsync("bare HTTP client", streams, token => BareClient.StreamAsync(http, protocol.BaseUrl(server.Address), "Count.", token), output, limit.Token);
        await MeasureAsync("through all policies", streams, token => TextOf(client, token), output, limit.Token);
    }

    private static async Task MeasureAsync(
        string name, int streams, Func<CancellationToken, IAsyncEnumerable<string>> open, TextWriter output, CancellationToken cancellationToken)
    {
        await StreamAsync(open(cancellationToken));
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var heart = HeartAsync(over.Token);
        var worked = Environment.CpuUsage.TotalTime;
        var begin = Stopwatch.GetTimestamp();
        var results = await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => Task.Run(() => StreamAsync(open(cancellationToken)), cancellationToken)));
        var elapsed = Stopwatch.GetElapsedTime(begin);
        worked = Environment.CpuUsage.TotalTime - worked;
        await over.CancelAsync();
        var (late, queued, threads) = await heart;

        var first = results.Select(result => result.First).Order().ToList();
        late.Sort();
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"""
              {name}: whole {results.Count(result => result.Pieces == Pieces):N0}, in {elapsed.TotalSeconds:N1} s ({Pieces * Pause.TotalSeconds:N1} s is the streams' own); processor time {worked.TotalSeconds:N1} s, {worked.TotalMicroseconds / (streams * Pieces):N0} us a piece
                first token p50 {FirstToken.At(first, 0.5):N0} ms, p99 {FirstToken.At(first, 0.99):N0} ms
                heartbeat of {Beat.TotalMilliseconds:N0} ms late by p50 {FirstToken.At(late, 0.5):N1} ms, p99 {FirstToken.At(late, 0.99):N1} ms, at most {late[^1]:N1} ms
                pool: at most {threads} threads; waiting work p50 {FirstToken.At(queued, 0.5):N0}, at most {queued[^1]:N0}
            """));
    }

    private static async Task<(double First, int Pieces)> StreamAsync(IAsyncEnumerable<string> texts)
    {
        var begin = Stopwatch.GetTimestamp();
        var (first, pieces) = (0.0, 0);
        await foreach (var _ in texts)
        {
            first = pieces++ == 0 ? Stopwatch.GetElapsedTime(begin).TotalMilliseconds : first;
        }

        return (first, pieces);
    }

    private static async IAsyncEnumerable<string> TextOf(IChatClient client, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var update in client.GetStreamingResponseAsync([new ChatMessage(ChatRole.User, "Count.")], cancellationToken: cancellationToken))
        {
            if (update.Text.Length > 0)
            {
                yield return update.Text;
            }
        }
    }

    private static async Task<(List<double> Late, List<double> Queued, int Threads)> HeartAsync(CancellationToken cancellationToken)
    {
        List<double> late = [], queued = [];
        var threads = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var begin = Stopwatch.GetTimestamp();
            await Task.Delay(Beat, CancellationToken.None);
            late.Add((Stopwatch.GetElapsedTime(begin) - Beat).TotalMilliseconds);
            queued.Add(ThreadPool.PendingWorkItemCount);
            threads = Math.Max(threads, ThreadPool.ThreadCount);
        }

        queued.Sort();
        return (late, queued, threads);
    }
}
