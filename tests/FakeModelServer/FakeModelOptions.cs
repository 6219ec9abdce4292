using System.Text.Json.Serialization;

namespace FakeModelServer;

/// <summary>
/// Behaviour of the server; every value can be changed while it runs with <c>PUT /control</c>. On the command line:
/// <c>--Fake:VisionLatency 00:00:05.160</c>.
/// </summary>
public sealed class FakeModelOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Fake";

    /// <summary>Time until a request with a picture is answered. Default none.</summary>
    public TimeSpan VisionLatency { get; set; }

    /// <summary>Time until a request without a picture is answered. Default none.</summary>
    public TimeSpan AnswerLatency { get; set; }

    /// <summary>Time until a picture is drawn. Default none.</summary>
    public TimeSpan DrawLatency { get; set; }

    /// <summary>No request with a picture is answered before this ends, see <see cref="Gate"/>; of tests in the process alone.</summary>
    [JsonIgnore]
    public Task VisionUntil { get; set; } = Task.CompletedTask;

    /// <summary>The same for requests without a picture.</summary>
    [JsonIgnore]
    public Task AnswerUntil { get; set; } = Task.CompletedTask;

    /// <summary>The next so many requests fail with <see cref="FailStatus"/>.</summary>
    public int FailNext { get; set; }

    /// <summary>Status of failures. Default 500.</summary>
    public int FailStatus { get; set; } = 500;

    /// <summary>Retry-After of failures, seconds; 0 sends none.</summary>
    public int RetryAfter { get; set; }

    /// <summary>What is wrong with answers: <c>none</c>, <c>not-json</c>, <c>wrong-category</c>, <c>refusal</c>, <c>length</c>, <c>cut</c> (the connection ends in the middle).</summary>
    public string Fault { get; set; } = "none";

    /// <summary>Middle category that vision answers. Default 무색페트병.</summary>
    public string Middle { get; set; } = "무색페트병";

    /// <summary>What the answer says was not done well; empty for a perfect sorting.</summary>
    public string[] Insufficiencies { get; set; } = [];

    /// <summary>Time between the pieces of a streamed answer.</summary>
    public TimeSpan StreamInterval { get; set; }
}

/// <summary>What was asked of the server so far: <c>GET /stats</c>.</summary>
/// <param name="Vision">Answered requests with a picture.</param>
/// <param name="Answer">Answered requests without one.</param>
/// <param name="Drawn">Pictures that were drawn.</param>
/// <param name="Failed">Requests that were failed on purpose.</param>
/// <param name="Running">Requests at this moment.</param>
/// <param name="MaxConcurrent">Most requests at one time.</param>
public sealed record FakeModelStats(int Vision, int Answer, int Drawn, int Failed, int Running, int MaxConcurrent);

/// <summary>One request.</summary>
/// <param name="Question">Text of its last message: what the person asked, so that a test can tell scans apart.</param>
/// <param name="HasPicture">Vision, else answer.</param>
/// <param name="Started">When it arrived.</param>
public sealed record FakeModelCall(string Question, bool HasPicture, DateTimeOffset Started)
{
    /// <summary>Protocol it came by: <c>openai</c>, <c>anthropic</c>, <c>gemini</c>, <c>vertex</c>.</summary>
    public required string Protocol { get; init; }
}
