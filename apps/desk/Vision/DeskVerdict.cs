namespace Desk.Vision;

/// <summary>Whether a photo shows a desk.</summary>
/// <param name="IsDesk">The answer.</param>
/// <param name="Confidence">0 to 1; of the local check a resemblance, no probability.</param>
/// <param name="Unsure">Near the threshold: do not act on it alone.</param>
/// <param name="Provider">Who answered.</param>
/// <param name="Model">With which model.</param>
public sealed record DeskVerdict(bool IsDesk, double Confidence, bool Unsure, string Provider, string Model);
