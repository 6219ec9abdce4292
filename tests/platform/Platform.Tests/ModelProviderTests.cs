using System.Text;
using System.Text.Json;
using FakeModelServer;
using ModelServers;
using ModelServers.Anthropic;
using ModelServers.Google;
using ModelServers.OpenAi;
using ScanClient;

namespace Platform.Tests;

/// <summary>Scans by models of four providers, each behind its own protocol: the pipeline is the same, and the answer says who spoke.</summary>
public sealed class ModelProviderTests : IAsyncDisposable
{
    private const string OpenAiKey = "sk-openai-0123456789abcdefghijklmnop";
    private const string AnthropicKey = "sk-ant-api03-0123456789abcdefghijklmnop";
    private const string GeminiKey = "AIza0123456789abcdefghijklmnopqrstuvwxy";

    /// <summary>Its server is overloaded for good.</summary>
    private const string Overloaded = "anthropic/claude-haiku-4-5";

    private static readonly VertexProtocol Vertex = new();
    private static readonly IModelProtocol[] Protocols = [new OpenAiProtocol(), new AnthropicProtocol(), new GeminiProtocol(), Vertex];

    private readonly Dictionary<IModelProtocol, ModelServer> _servers = [];
    private readonly FileInfo _credentials = new(Path.GetTempFileName());

    public async ValueTask DisposeAsync()
    {
        _credentials.Delete();
        foreach (var server in _servers.Values)
        {
            await server.DisposeAsync();
        }
    }

    [Fact]
    public async Task Scans_are_answered_by_the_model_they_name_or_the_next_of_its_chain_and_no_key_is_ever_told()
    {
        foreach (var protocol in Protocols)
        {
            _servers[protocol] = await ModelServer.StartAsync(protocol);
            _servers[protocol].Brain = Think;
        }

        await File.WriteAllTextAsync(_credentials.FullName, GoogleTokens.ServiceAccount(_servers[Vertex].Address));
        await using var collector = await TraceCollector.StartAsync();
        await using var run = await PlatformRun.StartAsync(new FakeModelOptions(),
        [
            .. _servers.Select(server => ($"Ai__Providers__{server.Key.Name}__BaseUrl", server.Key.BaseUrl(server.Value.Address).AbsoluteUri)),
            ("Ai__Providers__openai__Keys__0__Value", OpenAiKey),
            ("Ai__Providers__anthropic__Keys__0__Value", AnthropicKey),
            ("Ai__Providers__gemini__Keys__0__Value", GeminiKey),
            ("Ai__Providers__vertex__CredentialsFile", _credentials.FullName),
            ("Ai__FallbackByDefault", "true"),
            // With retries the breaker would open in the middle of the scan and be the second stage's reason.
            ("Ai__Providers__anthropic__Calls__Retries", "0"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("Logging__LogLevel__Default", "Debug"),
        ]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));

        var spoke = await Task.WhenAll(new[]
        {
            "openai/gpt-5.2", "anthropic/claude-sonnet-4-6", "gemini/gemini-3-flash-preview", "vertex/gemini-3-flash-preview", Overloaded,
        }.Select(named => ScanAsync(run, named, limit.Token)));

        Assert.Empty(_servers.Values.SelectMany(server => server.Rejected));
        var requests = _servers.Values.SelectMany(server => server.Requests).ToLookup(IdOf);
        Assert.All(spoke, model => Assert.Equal([false, true], requests[model].Select(request => request.HasPicture).Distinct().Order()));
        Assert.NotEmpty(requests[Overloaded]);
        await collector.UntilAsync(
            () => spoke.All(model => collector.Spans.Any(span => span.Name == $"chat {model.Split('/')[1]}")), limit.Token, () => "a model has no span");
        AssertTellsNone([OpenAiKey, AnthropicKey, GeminiKey, Vertex.Tokens.Last!, .. GoogleTokens.Secrets], run, collector);
    }

    /// <summary>A scan by a model: it has both stages answered by that one or, when it is overloaded, by one of another provider, whose id this gives.</summary>
    private static async Task<string> ScanAsync(PlatformRun run, string named, CancellationToken cancellationToken)
    {
        var user = await run.UserAsync(cancellationToken);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", cancellationToken);
        var stream = new JobStream(user);
        await stream.ReadToEndAsync(await user.SubmitAsync(image, named, cancellationToken, "이건 뭐야?", named), cancellationToken);
        Assert.Empty(stream.Violations);
        Assert.True(stream.Terminal == "completed", $"{named}: {stream.Events[^1].Data}\n{run.LastLines}");

        var result = stream.Events[^1].Data.GetProperty("result").GetProperty("pipeline_result");
        var seen = result.GetProperty("classification_result");
        Assert.Equal("무색페트병", seen.GetProperty("classification").GetProperty("middle_category").GetString());
        var answer = result.GetProperty("final_answer");
        Assert.Equal("헹궈서 전용 수거함에 넣어 주세요.", answer.GetProperty("user_answer").GetString());

        var spoke = seen.GetProperty("meta").GetProperty("model").GetString()!;
        Assert.All([seen.GetProperty("meta"), answer], said => Assert.Equal(
            (spoke.Split('/')[0], spoke, named == Overloaded ? "ServerError" : null),
            (said.GetProperty("provider").GetString(), said.GetProperty("model").GetString(),
                said.TryGetProperty("fallback_reason", out var reason) ? reason.GetString() : null)));
        if (named == Overloaded)
        {
            Assert.NotEqual(named.Split('/')[0], spoke.Split('/')[0]);
        }
        else
        {
            Assert.Equal(named, spoke);
        }

        return spoke;
    }

    /// <summary>None of the secrets is in what the run has written or exported.</summary>
    private static void AssertTellsNone(string[] secrets, PlatformRun run, TraceCollector collector)
    {
        var written = Directory.GetFiles(run.DataDirectory, "*.log", SearchOption.AllDirectories).Select(file =>
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            return (Place: Path.GetFileName(file), Text: reader.ReadToEnd());
        }).ToList();
        Assert.Contains(written, log => log.Text.Contains(Overloaded, StringComparison.Ordinal));
        foreach (var (place, text) in written.Concat(collector.Exports.Select(body => (Place: "an export", Text: Encoding.Latin1.GetString(body)))))
        {
            Assert.All(secrets, secret => Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{place} tells {secret[..8]}…"));
        }
    }

    private static string IdOf(ModelRequest request) => $"{request.Protocol}/{request.Model}";

    private static ModelReply Think(ModelRequest request) =>
        IdOf(request) == Overloaded ? ModelReply.Status(529)
        : request.HasPicture ? ModelReply.Text("""
            {"classification":{"major_category":"재활용폐기물","middle_category":"무색페트병","minor_category":"음료PET병"},
             "situation_tags":["내용물_없음"],"confidence":0.93,"runner_up":{"category":"플라스틱류","confidence":0.05},"question":null}
            """)
        : ModelReply.Text("""{"steps":["비우고 헹굽니다"],"insufficiencies":[],"user_answer":"헹궈서 전용 수거함에 넣어 주세요."}""");
}
