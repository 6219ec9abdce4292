namespace Ai.Local.Vision;

/// <summary>What the local classifier says about a picture.</summary>
/// <param name="Label">The most likely of <see cref="WasteLabels"/>.</param>
/// <param name="Confidence">
/// 0 to 1, calibrated on pictures that it had not seen: of the answers given with 0.8 about 80 % were right. On pictures unlike
/// those it learned from (one object, plain background) it is right less often.
/// </param>
/// <param name="Others">The other <see cref="WasteLabels"/> with their confidence, best first.</param>
/// <param name="Unsure">The confidence is below the head's threshold: do not act on the label, ask the person.</param>
/// <param name="Hints">The likeliest ImageNet labels, best first; empty without the network.</param>
/// <param name="Model">Which features and head answered, for example <c>mobilenet-v1-0.25+head-v1</c>.</param>
public sealed record PictureClassification(
    string Label,
    double Confidence,
    IReadOnlyList<(string Label, double Confidence)> Others,
    bool Unsure,
    IReadOnlyList<LabelHint> Hints,
    string Model);
