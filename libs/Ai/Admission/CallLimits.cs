namespace Ai.Admission;

/// <summary>What one call is counted under.</summary>
/// <param name="Model">Id of the model.</param>
/// <param name="ModelPlaces">Places of the model.</param>
/// <param name="User">User, if there is one.</param>
/// <param name="Session">Session, if there is one.</param>
internal readonly record struct CallLimits(string Model, int ModelPlaces, string? User, string? Session);
