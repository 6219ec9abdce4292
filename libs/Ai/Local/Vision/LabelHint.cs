namespace Ai.Local.Vision;

/// <summary>What the picture looks like to the network that was trained on ImageNet: a hint, never a verdict.</summary>
/// <param name="Label">ImageNet's name in lower case with underscores, for example <c>water_bottle</c>.</param>
/// <param name="Probability">0 to 1, over all 1000 classes.</param>
public sealed record LabelHint(string Label, double Probability);
