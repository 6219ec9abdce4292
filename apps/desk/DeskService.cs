namespace Desk;

/// <summary>Marks the assembly for test hosts.</summary>
public sealed class DeskService;
