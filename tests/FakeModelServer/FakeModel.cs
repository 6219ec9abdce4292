using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Imaging;
using ModelServers;

namespace FakeModelServer;

/// <summary>
/// The brain behind every protocol of <see cref="ModelServers"/>: answers the requests of waste scans and of desks with JSON that fits their schemas, and draws one
/// and the same picture. The protocols are real, the intelligence is a table.
/// </summary>
public sealed class FakeModel
{
    /// <summary>A picture of 1024 by 1024 pixels with as many bytes as one that a model draws: as a PNG 2.9 MB, as a JPEG of quality 90 some 400 KB.</summary>
    private static readonly ConcurrentDictionary<int, PictureReply> Drawings = [];

    private readonly TimeProvider _time;
    private readonly ConcurrentQueue<FakeModelCall> _calls = [];
    private int _vision;
    private int _answer;
    private int _drawn;
    private int _failed;
    private int _failNext;

    /// <summary>Creates one that behaves as the options say.</summary>
    public FakeModel(FakeModelOptions options, TimeProvider time)
    {
        _time = time;
        // Thousands of scans have thousands of pictures: what a test wants to know of a request is in Calls.
        Server = new ModelServer(time) { Brain = Reply, KeepsRequests = false };
        Options = options;
        _failNext = options.FailNext;
    }

    /// <summary>What speaks the protocols.</summary>
    public ModelServer Server { get; }

    /// <summary>Current behaviour.</summary>
    public FakeModelOptions Options { get; private set; }

    /// <summary>Counts so far.</summary>
    public FakeModelStats Stats => new(_vision, _answer, _drawn, _failed, Server.Running, Server.MaxConcurrent);

    /// <summary>Every request that was understood, also those that were failed or given up by their caller.</summary>
    public IReadOnlyCollection<FakeModelCall> Calls => _calls;

    /// <summary>Replaces the behaviour.</summary>
    public void Behave(FakeModelOptions options)
    {
        Options = options;
        Volatile.Write(ref _failNext, options.FailNext);
    }

    private ModelReply Reply(ModelRequest request)
    {
        if (request.Messages.Count == 0)
        {
            // A list of models: the protocol's answer, and nothing that a test counts.
            return Text("");
        }

        _calls.Enqueue(new FakeModelCall(Words(request.Question), request.HasPicture, request.At) { Protocol = request.Protocol });
        var behaviour = Options;
        if (Interlocked.Decrement(ref _failNext) >= 0)
        {
            Interlocked.Increment(ref _failed);
            return ModelReply.Status(behaviour.FailStatus, retryAfter: behaviour.RetryAfter > 0 ? TimeSpan.FromSeconds(behaviour.RetryAfter) : null);
        }

        var isDrawn = request.Path.Contains("/images/", StringComparison.Ordinal) || request.Model.Contains("image", StringComparison.Ordinal);
        var (latency, until) = isDrawn ? (behaviour.DrawLatency, Task.CompletedTask)
            : request.HasPicture ? (behaviour.VisionLatency, behaviour.VisionUntil)
            : (behaviour.AnswerLatency, behaviour.AnswerUntil);
        return (isDrawn && behaviour.Fault == "none" ? Drawing(request) : Reply(behaviour, Answer(behaviour, request))) with
        {
            Before = cancellationToken => WaitAsync(latency, until, cancellationToken),
            Between = behaviour.StreamInterval > TimeSpan.Zero ? cancellationToken => Task.Delay(behaviour.StreamInterval, _time, cancellationToken) : null,
            Sent = () => Interlocked.Increment(ref isDrawn ? ref _drawn : ref request.HasPicture ? ref _vision : ref _answer),
        };
    }

    private async Task WaitAsync(TimeSpan latency, Task until, CancellationToken cancellationToken)
    {
        await Task.Delay(latency, _time, cancellationToken);
        await until.WaitAsync(cancellationToken);
    }

    /// <summary>A person's words, which stand between two lines that mark them as data.</summary>
    private static string Words(string text) =>
        text.StartsWith("<<<", StringComparison.Ordinal) ? string.Join('\n', text.TrimEnd().Split('\n')[1..^1]) : text;

    private static ModelReply Reply(FakeModelOptions behaviour, string text) => behaviour.Fault switch
    {
        "not-json" => Text("no JSON at all"),
        "refusal" => ModelReply.Refusal("no"),
        "length" => ModelReply.Length(text[..(text.Length / 2)]),
        "cut" => ModelReply.Cut(),
        _ => Text(text),
    };

    private static TextReply Text(string text) => ModelReply.Text(text, inputTokens: 900, outputTokens: text.Length);

    private static string Answer(FakeModelOptions options, ModelRequest request) => request.SchemaName switch
    {
        "desk_check" => """{"is_desk":true,"confidence":0.9}""",
        "desk_plan" => """
            {"caption":"a desk","prompt":"The same desk from the same angle, tidy and well lit.",
             "items":[{"keyword":"무선 마우스","label":"wireless mouse"},{"keyword":"무선 키보드","label":"keyboard"},{"keyword":"데스크 정리함","label":"desk organizer"}]}
            """,
        "desk_things" => """{"things":[{"label":"wireless mouse","x":120,"y":80}]}""",
        _ => request.HasPicture ? Vision(options) : Answer(options),
    };

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

    private static PictureReply Drawing(ModelRequest request)
    {
        var quality = (string?)request.Raw["output_format"] == "jpeg" ? int.Parse((string?)request.Raw["output_compression"] ?? "100", CultureInfo.InvariantCulture) : 0;
        return Drawings.GetOrAdd(
            quality, of => of > 0 ? ModelReply.Picture(JpegEncoder.Encode(Draw(1024, grain: 44), of), "image/jpeg") : ModelReply.Picture(PngEncoder.Encode(Draw(1024, grain: 8))));
    }

    /// <summary>Smooth colours, which compress well, and a grain that does not: in a PNG a small one, in a JPEG, which drops that, a larger one.</summary>
    private static Bitmap Draw(int side, int grain)
    {
        var random = new Random(1);
        var bitmap = new Bitmap(side, side);
        for (var y = 0; y < side; y++)
        {
            var row = bitmap.Row(y);
            for (var x = 0; x < row.Length; x++)
            {
                row[x] = (byte)(20 + (x / 24) + (y / 16) + random.Next(grain));
            }
        }

        return bitmap;
    }

    private static string Answer(FakeModelOptions options) => new JsonObject
    {
        ["steps"] = new JsonArray("내용물을 비우고 헹굽니다", "라벨을 떼어 냅니다", "찌그러뜨려 뚜껑을 닫습니다"),
        ["insufficiencies"] = new JsonArray([.. options.Insufficiencies.Select(text => JsonValue.Create(text))]),
        ["user_answer"] = "투명 페트병은 라벨을 떼고 전용 수거함에 넣어 주세요.",
    }.ToJsonString();
}
