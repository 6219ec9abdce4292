using Imaging;

namespace Ai.Local.Vision;

/// <summary>Turns a picture into numbers for a <see cref="LinearHead"/>. Thread-safe.</summary>
internal abstract class FeatureModel
{
    /// <summary>Name in answers, without the head's version.</summary>
    public abstract string Name { get; }

    /// <summary>Embedded file of the head trained on these features.</summary>
    public abstract string HeadResource { get; }

    /// <summary>Pixels per side of the square picture that is described; no decoder needs to deliver much more.</summary>
    public abstract int Side { get; }

    /// <summary>Numbers per picture.</summary>
    public abstract int FeatureCount { get; }

    /// <summary>Describes a picture of any size; it is resized to a square as a whole.</summary>
    /// <param name="picture">RGB.</param>
    /// <param name="features">Receives <see cref="FeatureCount"/> numbers.</param>
    /// <param name="maxHints">Labels wanted, at most.</param>
    /// <returns>Labels that come for free with the features, best first.</returns>
    public abstract IReadOnlyList<LabelHint> Describe(Bitmap picture, Span<float> features, int maxHints);
}
