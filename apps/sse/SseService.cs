namespace Sse;

/// <summary>Marks this assembly for test hosts.</summary>
public sealed class SseService;
