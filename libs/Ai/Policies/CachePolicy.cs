using System.Diagnostics.Metrics;
using Ai.Caching;
using Ai.Calls;
using Ai.Local;
using Ai.Sharing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Ai.Policies;

/// <summary>
/// Answers from an earlier equal call, or together with an equal one that runs. Only what would come out the same: embeddings, pictures of the same
/// prompt, text at a low temperature that the caller set himself; never with tools, and never a stream, which is asked for to see it being written.
/// <see cref="CallScope.Cache"/> overrules in both directions, except for tools and streams.
/// </summary>
internal sealed class CachePolicy : IModelPolicy
{
    private static readonly Counter<long> Requests = AiTelemetry.Meter.CreateCounter<long>(
        "tandem.ai.cache.requests", "{request}", "Model calls that may be answered from the cache, by what answered them");

    private readonly CacheOptions _options;
    private readonly SharedState _store;
    private readonly TimeProvider _time;
    private readonly AnswerMemory _memory;
    private readonly Flights _flights = new();

    public CachePolicy(IOptions<AiOptions> options, SharedState store, TimeProvider time)
    {
        _options = options.Value.Cache;
        _store = store;
        _time = time;
        _memory = new AnswerMemory(_options.MemoryBytes, time);
    }

    public PolicyPlace Place => PolicyPlace.Cache;

    public async ValueTask<ModelAnswer> InvokeAsync(ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        if (!_options.Enabled || !MayKeep(call) || CacheKey.Of(call) is not { } key)
        {
            return await next(call, cancellationToken);
        }

        if (_memory.Find(key) is { } bytes && KeptAnswer.Read(bytes) is { } kept)
        {
            Count(call, "memory");
            return kept.Answer(call.Model);
        }

        var (landing, started) = await _flights.TravelAsync(key, token => AskAsync(key, call, next, token), cancellationToken);
        Count(call, !started ? "shared" : landing.FromStore ? "store" : "miss");
        return started ? landing.Answer
            : landing.Kept is { } copy && KeptAnswer.Read(copy) is { } shared ? shared.Answer(call.Model)
            : Shared(landing.Answer);
    }

    private bool MayKeep(ModelCall call)
    {
        if (call.Scope.Cache == false || call.Model.Provider == LocalProvider.Name || call is ChatCall { Streamed: true } or ChatCall { Options.Tools.Count: > 0 })
        {
            return false;
        }

        return call.Scope.Cache == true || call is not ChatCall chat || chat.Options?.Temperature <= _options.MaxTemperature;
    }

    private async ValueTask<Flights.Landing> AskAsync(string key, ModelCall call, ModelHandler next, CancellationToken cancellationToken)
    {
        var sharing = _options.StoreMaxValueBytes > 0;
        if (sharing
            && (await _store.ReadAsync<byte[]>(key, cancellationToken))?.Value is { } stored
            && KeptAnswer.Read(stored) is { } found && found.Until > _time.GetUtcNow())
        {
            _memory.Keep(key, stored, found.Until);
            return new Flights.Landing(found.Answer(call.Model), stored, FromStore: true);
        }

        var answer = await next(call, cancellationToken);
        var ttl = TtlOf(call);
        var until = _time.GetUtcNow() + ttl;
        var bytes = KeptAnswer.Write(answer, until);
        if (bytes is not null)
        {
            _memory.Keep(key, bytes, until);
            if (sharing && bytes.Length <= _options.StoreMaxValueBytes)
            {
                // Behind the answer's back: a call waits for the store once, when it reads.
                _ = _store.WriteAsync(key, bytes, ttl, CancellationToken.None);
            }
        }

        return new Flights.Landing(answer, bytes, FromStore: false);
    }

    private TimeSpan TtlOf(ModelCall call) => call switch
    {
        EmbeddingCall => _options.EmbeddingTtl,
        ImageCall => _options.PictureTtl,
        _ => _options.AnswerTtl,
    };

    /// <summary>The same answer for one more caller, who pays nothing for it.</summary>
    private static ModelAnswer Shared(ModelAnswer answer) => answer switch
    {
        WholeAnswer<ChatResponse> whole => Again(whole),
        WholeAnswer<GeneratedEmbeddings<Embedding<float>>> whole => Again(whole),
        WholeAnswer<ImageGenerationResponse> whole => Again(whole),
        _ => answer,
    };

    private static WholeAnswer<T> Again<T>(WholeAnswer<T> answer) =>
        new(answer.Model, answer.Value, answer.Usage) { Cached = true, FallbackReason = answer.FallbackReason };

    private static void Count(ModelCall call, string outcome) =>
        Requests.Add(1, new("outcome", outcome), new("gen_ai.operation.name", call.Operation));
}
