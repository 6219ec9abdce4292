using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FakeModelServer;

/// <summary>
/// Answers POST /v1/chat/completions as OpenAI's API does (plain and streamed), with JSON that fits the schema's name: the
/// protocol is real, the intelligence is a table.
/// </summary>
public sealed class FakeModel(FakeModelOptions options, TimeProvider time)
{
    private readonly ConcurrentQueue<FakeModelCall> _calls = [];
    private int _vision;
    private int _answer;
    private int _failed;
    private int _failNext = options.FailNext;
    private int _running;
    private int _maxRunning;

    /// <summary>Current behaviour.</summary>
    public FakeModelOptions Options { get; private set; } = options;

    /// <summary>Counts so far.</summary>
    public FakeModelStats Stats => new(_vision, _answer, _failed, _running, _maxRunning);

    /// <summary>Every request that was understood, also those that were failed or given up by their caller.</summary>
    public IReadOnlyCollection<FakeModelCall> Calls => _calls;

    /// <summary>Replaces the behaviour.</summary>
    public void Behave(FakeModelOptions options)
    {
        Options = options;
        Volatile.Write(ref _failNext, options.FailNext);
    }

    /// <summary>Handles one request.</summary>
    public async Task HandleAsync(HttpContext http)
    {
        var cancellationToken = http.RequestAborted;
        var running = Interlocked.Increment(ref _running);
        InterlockedMax(ref _maxRunning, running);
        try
        {
            var started = time.GetUtcNow();
            var request = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: cancellationToken);
            var hasPicture = request!["messages"]!.AsArray().Any(message =>
                message!["content"] is JsonArray parts && parts.Any(part => part!["type"]!.GetValue<string>() == "image_url"));
            _calls.Enqueue(new FakeModelCall(Question(request), hasPicture, started));
            var behaviour = Options;
            if (Interlocked.Decrement(ref _failNext) >= 0)
            {
                Interlocked.Increment(ref _failed);
                await FailAsync(http, behaviour);
                return;
            }

            var latency = hasPicture ? behaviour.VisionLatency : behaviour.AnswerLatency;
            if (latency > TimeSpan.Zero)
            {
                await Task.Delay(latency, time, cancellationToken);
            }

            var text = behaviour.Fault == "not-json" ? "no JSON at all" : hasPicture ? Vision(behaviour) : Answer(behaviour);
            if (request["stream"]?.GetValue<bool>() == true)
            {
                await StreamAsync(http, request, text, behaviour, cancellationToken);
            }
            else
            {
                await AnswerAsync(http, request, text, behaviour, cancellationToken);
            }

            Interlocked.Increment(ref hasPicture ? ref _vision : ref _answer);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private static string Question(JsonNode request)
    {
        var text = request["messages"]!.AsArray()[^1]!["content"] switch
        {
            JsonArray parts => string.Concat(parts.Select(part => part!["text"]?.GetValue<string>())),
            var whole => whole?.GetValue<string>() ?? "",
        };
        // A person's words stand between two lines that mark them as data.
        return text.StartsWith("<<<", StringComparison.Ordinal) ? string.Join('\n', text.TrimEnd().Split('\n')[1..^1]) : text;
    }

    private static string Vision(FakeModelOptions options) => new JsonObject
    {
        ["classification"] = new JsonObject
        {
            ["major_category"] = "재활용폐기물",
            ["middle_category"] = options.Fault == "wrong-category" ? "없는분류" : options.Middle,
            ["minor_category"] = "음료PET병",
        },
        ["situation_tags"] = new JsonArray("내용물_없음"),
        ["confidence"] = 0.93,
        ["runner_up"] = new JsonObject { ["category"] = "플라스틱류", ["confidence"] = 0.05 },
        ["question"] = null,
    }.ToJsonString();

    private static string Answer(FakeModelOptions options) => new JsonObject
    {
        ["steps"] = new JsonArray("내용물을 비우고 헹굽니다", "라벨을 떼어 냅니다", "찌그러뜨려 뚜껑을 닫습니다"),
        ["insufficiencies"] = new JsonArray([.. options.Insufficiencies.Select(text => JsonValue.Create(text))]),
        ["user_answer"] = "투명 페트병은 라벨을 떼고 전용 수거함에 넣어 주세요.",
    }.ToJsonString();

    private static Task FailAsync(HttpContext http, FakeModelOptions options)
    {
        http.Response.StatusCode = options.FailStatus;
        if (options.RetryAfter > 0)
        {
            http.Response.Headers.RetryAfter = options.RetryAfter.ToString("D");
        }

        return http.Response.WriteAsJsonAsync(new { error = new { message = "failed on purpose", type = "server_error", code = (string?)null } });
    }

    private async Task AnswerAsync(HttpContext http, JsonNode request, string text, FakeModelOptions options, CancellationToken cancellationToken)
    {
        var refusal = options.Fault == "refusal";
        var completion = new JsonObject
        {
            ["id"] = "chatcmpl-fake",
            ["object"] = "chat.completion",
            ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
            ["model"] = request["model"]!.DeepClone(),
            ["choices"] = new JsonArray(new JsonObject
            {
                ["index"] = 0,
                ["message"] = new JsonObject
                {
                    ["role"] = "assistant",
                    ["content"] = refusal ? null : options.Fault == "length" ? text[..(text.Length / 2)] : text,
                    ["refusal"] = refusal ? "no" : null,
                },
                ["finish_reason"] = options.Fault == "length" ? "length" : "stop",
            }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = 900, ["completion_tokens"] = text.Length, ["total_tokens"] = 900 + text.Length },
        };
        http.Response.ContentType = "application/json";
        var body = JsonSerializer.SerializeToUtf8Bytes(completion);
        if (options.Fault == "cut")
        {
            http.Response.ContentLength = body.Length;
            await http.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2), cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
            http.Abort();
            return;
        }

        await http.Response.Body.WriteAsync(body, cancellationToken);
    }

    private async Task StreamAsync(HttpContext http, JsonNode request, string text, FakeModelOptions options, CancellationToken cancellationToken)
    {
        const int PieceLength = 16;
        http.Response.ContentType = "text/event-stream";
        for (var start = 0; start < text.Length; start += PieceLength)
        {
            if (options.Fault == "cut" && start > text.Length / 2)
            {
                http.Abort();
                return;
            }

            await WriteAsync(new JsonObject { ["content"] = text.Substring(start, Math.Min(PieceLength, text.Length - start)) }, null);
            if (options.StreamInterval > TimeSpan.Zero)
            {
                await Task.Delay(options.StreamInterval, time, cancellationToken);
            }
        }

        await WriteAsync([], "stop");
        await http.Response.WriteAsync("data: [DONE]\n\n", cancellationToken);

        async Task WriteAsync(JsonObject delta, string? finish)
        {
            var chunk = new JsonObject
            {
                ["id"] = "chatcmpl-fake",
                ["object"] = "chat.completion.chunk",
                ["created"] = time.GetUtcNow().ToUnixTimeSeconds(),
                ["model"] = request["model"]!.DeepClone(),
                ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish }),
            };
            await http.Response.WriteAsync($"data: {chunk.ToJsonString()}\n\n", cancellationToken);
            await http.Response.Body.FlushAsync(cancellationToken);
        }
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
        {
            Interlocked.CompareExchange(ref target, value, seen);
        }
    }
}
