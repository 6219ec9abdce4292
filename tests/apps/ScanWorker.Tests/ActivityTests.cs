using System.Net;
using System.Net.Http.Json;
using Ai;
using Ai.Prompts;
using Contracts.Characters;
using Contracts.Scan;
using Dapr.Client;
using Imaging;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using ScanWorker.Answers;
using ScanWorker.Features;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ScanWorker.Vision;
using ScanWorker.Workflows;
using ServiceDefaults;
using TestKit;

namespace ScanWorker.Tests;

/// <summary>What activities hold to beside their result.</summary>
public sealed class ActivityTests : IAsyncLifetime
{
    private const int Scans = 6;
    private const int Limit = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Knowledge");
    private static readonly PromptLibrary Prompts = PromptTests.Library;
    private static readonly Taxonomy Tree = Taxonomy.Load(Folder);

    private readonly IOptions<ScanWorkerOptions> _options = Options.Create(new ScanWorkerOptions
    {
        VisionConcurrency = Limit, AnswerConcurrency = Limit, MatchTimeout = Patience,
    });

    private readonly FakeJobLog _log = new();
    private readonly Crowd _crowd = new();
    private FakeSidecar _sidecar = null!;
    private DaprClient _dapr = null!;

    public async ValueTask InitializeAsync()
    {
        _sidecar = await FakeSidecar.StartAsync();
        _sidecar.BindingAnswer = PngEncoder.Encode(new Bitmap(8, 8));
        _dapr = new DaprClientBuilder().UseHttpEndpoint(_sidecar.Address).UseJsonSerializationOptions(TandemJson.Options).Build();
    }

    public async ValueTask DisposeAsync()
    {
        _dapr.Dispose();
        await _sidecar.DisposeAsync();
    }

    [Fact]
    public async Task No_more_pictures_are_in_memory_than_the_option_says()
    {
        using var gates = new StageGates(_options);
        var model = new OneModel("""{"classification":{"major_category":"재활용폐기물","middle_category":"종이"},"situation_tags":[]}""");
        var vision = new WasteVision(model, Tree, SituationTags.Load(Folder), Prompts);
        _sidecar.Before = (operation, _) => operation == "binding" ? _crowd.ComeAsync() : Task.CompletedTask;

        await CrowdAsync(log => new VisionActivity(StagesOn(log), gates, vision, _dapr, _options).RunAsync(null!, new(Attempt(), Scan())));

        Assert.Equal(Limit, _crowd.Most);
    }

    [Fact]
    public async Task No_more_answers_are_written_than_the_option_says()
    {
        using var gates = new StageGates(_options);
        var model = new OneModel("""{"steps":["s"],"insufficiencies":[],"user_answer":"a"}""") { BeforeAnswer = _crowd.ComeAsync };
        var answers = new DisposalAnswer(model, Prompts);
        var rule = new RuleResult(true, "k", "재활용폐기물", DisposalRules.Load(Folder, Tree).Find("재활용폐기물", "종이"));

        await CrowdAsync(log => new AnswerActivity(StagesOn(log), gates, answers, _options).RunAsync(null!, new(Attempt(), Scan(), Seen, rule)));

        Assert.Equal(Limit, _crowd.Most);
    }

    public static TheoryData<string> Judgements => ["fails", "is refused", "takes too long"];

    [Theory]
    [MemberData(nameof(Judgements))]
    public async Task A_reward_that_cannot_be_judged_costs_the_reward_and_never_the_scan(string how)
    {
        if (how == "takes too long")
        {
            _options.Value.MatchTimeout = TimeSpan.FromMilliseconds(100);
        }

        var characters = new Characters(async cancellationToken =>
        {
            if (how == "takes too long")
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return how == "fails" ? throw new HttpRequestException("away") : new HttpResponseMessage(HttpStatusCode.InternalServerError);
        });

        var result = await RewardAsync(characters);

        Assert.False(result.Received);
        Assert.Null(result.Reward);
        Assert.Empty(_sidecar.Published);
        Assert.Equal(["reward.started", "reward.completed"], _log.Keys);
    }

    [Fact]
    public async Task A_reward_is_told_as_a_fact_with_the_same_id_however_often_the_activity_runs()
    {
        var character = new CharacterInfo(Guid.NewGuid(), "char-petty", "n", "t", "d", null);
        var characters = new Characters(_ => Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK)
        {
            Content = JsonContent.Create(new CharacterMatched(true, AlreadyOwned: false, character, "matched"), options: TandemJson.Options),
        }));
        var attempt = Attempt();

        Assert.Equal(await RewardAsync(characters, attempt), await RewardAsync(characters, attempt));

        Assert.All(_sidecar.Published, published => Assert.Equal(ScanTopics.ScanRewarded, published.Topic));
        Assert.Single(_sidecar.Published.Select(published => published.Json).Distinct());
    }

    [Fact]
    public async Task A_request_that_could_not_be_started_ends_its_job_once()
    {
        await DeliverDeadAsync();
        await DeliverDeadAsync();

        var end = Assert.Single(_log.Entries);
        Assert.Equal(("done.failed", "SCAN_NOT_STARTED"), (end.Key, end.Result!.Value.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task A_dead_request_of_an_ended_job_changes_nothing()
    {
        _log.Add(new("done.cancelled", "done", "cancelled", 100, DateTimeOffset.UnixEpoch));

        await DeliverDeadAsync();

        Assert.Equal(["done.cancelled"], _log.Keys);
    }

    private static VisionResult Seen { get; } = new(
        new Classification("재활용폐기물", "종이", null), [], new VisionMeta("?", "local", "m", 0.9, null, false, [], null));

    private static StageAttempt Attempt() => new(Guid.NewGuid(), 1);

    private static ScanInput Scan() => new(Guid.NewGuid(), "u1", "scan/p.png", "?", null, new RetryPlan(0, TimeSpan.Zero), DateTimeOffset.MaxValue);

    private StageRunner StagesOn(FakeJobLog log) => new(_dapr, log.Client(), _options, TimeProvider.System);

    private Task<RewardResult> RewardAsync(Characters characters, StageAttempt? attempt = null)
    {
        var answer = new AnswerResult(new Dictionary<string, string>(), [], "a", "재활용폐기물", "종이", true, 10, "local", "m");
        var client = new CharactersClient(new HttpClient(characters, disposeHandler: false) { BaseAddress = new Uri("http://characters") });
        return new RewardActivity(StagesOn(_log), _dapr, client, _options, TimeProvider.System, NullLogger<RewardActivity>.Instance)
            .RunAsync(null!, new(attempt ?? Attempt(), Scan(), Seen, new RuleResult(true, "k", "재활용폐기물", null), answer)).WaitAsync(Patience);
    }

    private Task DeliverDeadAsync() => OnScanRequestedDead.HandleAsync(
        new ScanRequested(Guid.NewGuid(), DateTimeOffset.UnixEpoch, Guid.NewGuid(), "u1", "scan/p.png", null, null, DateTimeOffset.UnixEpoch),
        _log.Client(), TimeProvider.System, NullLogger<ScanWorkerService>.Instance, CancellationToken.None);

    /// <summary>Runs as many activities as can be, each with a log of its own, and lets the crowd go when all have begun.</summary>
    private async Task CrowdAsync(Func<FakeJobLog, Task> run)
    {
        using var begun = new CountdownEvent(Scans);
        _sidecar.After = (operation, _) =>
        {
            if (operation == "read")
            {
                begun.Signal();
            }

            return Task.CompletedTask;
        };
        var runs = Enumerable.Range(0, Scans).Select(_ => Task.Run(() => run(new FakeJobLog()))).ToArray();
        Assert.True(begun.Wait(Patience, CancellationToken.None));
        await _crowd.IsThere(Limit).WaitAsync(Patience);
        _sidecar.After = (_, _) => Task.CompletedTask;
        // As many calls as would take everybody in, were there no gate.
        for (var call = 0; call < 10 * Scans; call++)
        {
            await _dapr.GetStateAsync<string?>("statestore", "nothing");
        }

        _crowd.Leave();
        await Task.WhenAll(runs).WaitAsync(Patience);
    }

    /// <summary>Counts who is in at a time.</summary>
    private sealed class Crowd
    {
        private readonly TaskCompletionSource _leave = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _came = new(0);
        private readonly Lock _lock = new();
        private int _now;

        public int Most { get; private set; }

        public async Task ComeAsync()
        {
            lock (_lock)
            {
                Most = Math.Max(Most, ++_now);
            }

            _came.Release();
            await _leave.Task;
            lock (_lock)
            {
                _now--;
            }
        }

        public async Task IsThere(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await _came.WaitAsync();
            }
        }

        public void Leave() => _leave.SetResult();
    }

    private sealed class Characters(Func<CancellationToken, Task<HttpResponseMessage>> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => answer(cancellationToken);
    }
}
