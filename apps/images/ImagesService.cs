namespace Images;

/// <summary>Marks the assembly for test hosts.</summary>
public sealed class ImagesService;
