namespace Ai.Tests.Limits;

/// <summary>Always noon of one day; timers and timestamps are real.</summary>
internal sealed class NoonTime : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
}
