using System.Text.Json;
using Contracts.Characters;
using Contracts.Identity;
using Contracts.Jobs;
using Contracts.Scan;

namespace ServiceDefaults.Tests;

/// <summary>
/// The JSON of every message, letter by letter: messages and stored events outlive the version that wrote them. A new member is nullable
/// or has a default, and is added to the texts here; nothing in them ever changes or goes.
/// </summary>
public sealed class ContractTests
{
    private static readonly Guid Id = new("00000000-0000-0000-0000-000000000001");
    private static readonly Guid Job = new("00000000-0000-0000-0000-000000000002");
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly JobEvent Event = new(
        Job, 3, "vision.completed", "vision", "completed", 11, 40, Time, JsonElement.Parse("""{"x":1}"""), "한국어", "0af7651916cd43dd8448eb211c80319c");

    private static readonly CharacterInfo Character = new(Id, "char-petty", "페티", "음료", "안녕", "무색페트병");

    public static TheoryData<object, string> Messages { get; } = new()
    {
        {
            new ScanRequested(Id, Time, Job, "u1", "scan/a.jpg", "어떻게 버려요?", "gpt-5.2", Time.AddMinutes(30)),
            """{"id":"00000000-0000-0000-0000-000000000001","ts":"2026-01-02T03:04:05+00:00","job_id":"00000000-0000-0000-0000-000000000002","user_id":"u1","image_key":"scan/a.jpg","user_input":"어떻게 버려요?","model":"gpt-5.2","deadline":"2026-01-02T03:34:05+00:00"}"""
        },
        {
            new ScanRequested(Id, Time, Job, "u1", "scan/a.jpg", null, null, Time),
            """{"id":"00000000-0000-0000-0000-000000000001","ts":"2026-01-02T03:04:05+00:00","job_id":"00000000-0000-0000-0000-000000000002","user_id":"u1","image_key":"scan/a.jpg","deadline":"2026-01-02T03:04:05+00:00"}"""
        },
        {
            new ScanRewarded(Id, Time, Job, "u1", Character, 10),
            """{"id":"00000000-0000-0000-0000-000000000001","ts":"2026-01-02T03:04:05+00:00","job_id":"00000000-0000-0000-0000-000000000002","user_id":"u1","character":{"id":"00000000-0000-0000-0000-000000000001","code":"char-petty","name":"페티","type":"음료","dialog":"안녕","match":"무색페트병"},"points":10}"""
        },
        {
            new JobLogAppended(Job, [Event], Time),
            """{"job_id":"00000000-0000-0000-0000-000000000002","entries":[{"job_id":"00000000-0000-0000-0000-000000000002","seq":3,"key":"vision.completed","stage":"vision","status":"completed","stage_seq":11,"progress":40,"ts":"2026-01-02T03:04:05+00:00","result":{"x":1},"message":"한국어","trace_id":"0af7651916cd43dd8448eb211c80319c"}],"published_at":"2026-01-02T03:04:05+00:00"}"""
        },
        {
            new AppendJobEvents([new JobEventInput("queued.started", "queued", "started", 0, Time)], new JobCreation("u1", "scan", Time, "hash", 5, 2000)),
            """{"events":[{"key":"queued.started","stage":"queued","status":"started","progress":0,"ts":"2026-01-02T03:04:05+00:00"}],"create":{"owner":"u1","app":"scan","deadline":"2026-01-02T03:04:05+00:00","body_hash":"hash","max_open_per_owner":5,"max_open":2000}}"""
        },
        {
            new TokenRevoked(Id, 7, Time, [new Revocation("s1", Time.AddHours(3), "logout", Time)]),
            """{"source":"00000000-0000-0000-0000-000000000001","sequence":7,"ts":"2026-01-02T03:04:05+00:00","revocations":[{"id":"s1","expires_at":"2026-01-02T06:04:05+00:00","reason":"logout","at":"2026-01-02T03:04:05+00:00"}],"leaving":false}"""
        },
        {
            new RevocationDocument([new Revocation("s1", Time.AddHours(3), "logout", Time)], 2),
            """{"revocations":[{"id":"s1","expires_at":"2026-01-02T06:04:05+00:00","reason":"logout","at":"2026-01-02T03:04:05+00:00"}],"sealed":2}"""
        },
    };

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_message_is_written_and_read_as_ever(object message, string json)
    {
        Assert.Equal(json, JsonSerializer.Serialize(message, TandemJson.Options));

        // A newer version's member is no obstacle to an older reader.
        var read = JsonSerializer.Deserialize(json[..^1] + ",\"added_later\":{\"y\":[2]}}", message.GetType(), TandemJson.Options);
        Assert.Equal(json, JsonSerializer.Serialize(read, TandemJson.Options));
    }

    [Fact]
    public void Every_message_is_here()
    {
        var published = typeof(ScanTopics).Assembly.GetTypes()
            .Where(type => type.Namespace is "Contracts.Scan" or "Contracts.Identity" && type.GetProperty("Ts") is not null).Append(typeof(JobLogAppended));

        Assert.All(published, type => Assert.Contains(Messages, row => row.Data.Item1.GetType() == type));
    }
}
