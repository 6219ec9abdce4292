namespace EventRouter;

/// <summary>Marks this assembly for test hosts.</summary>
public sealed class EventRouterService;
