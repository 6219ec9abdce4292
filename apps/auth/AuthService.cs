namespace Auth;

/// <summary>Marks the assembly for test hosts.</summary>
public sealed class AuthService;
