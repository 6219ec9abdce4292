using Ai.Local.Vision;
using Imaging;

namespace Ai.Vision.Tests;

public sealed class PictureClassifierTests
{
    private static readonly PictureClassifier Classifier = new();

    [Fact]
    public void Names_material_runner_up_and_what_it_looks_like()
    {
        var answer = Classifier.Classify(PngEncoder.Encode(Checkerboard(400, 300)));

        Assert.Contains(answer.Label, WasteLabels.All);
        Assert.Equal(WasteLabels.All.Order(), answer.Others.Select(other => other.Label).Append(answer.Label).Order());
        Assert.Equal(answer.Others.OrderByDescending(other => other.Confidence), answer.Others);
        Assert.InRange(answer.Others[0].Confidence, 0, answer.Confidence);
        Assert.Equal(1, answer.Confidence + answer.Others.Sum(other => other.Confidence), 0.0001);
        Assert.Equal("mobilenet-v1-0.25+head-v1", answer.Model);
        Assert.Equal(3, answer.Hints.Count);
        Assert.Equal(answer.Hints.OrderByDescending(hint => hint.Probability), answer.Hints);
    }

    [Fact]
    public void Gives_the_same_answer_to_all_of_many_concurrent_callers()
    {
        var picture = PngEncoder.Encode(Checkerboard(352, 330));
        var expected = Classifier.Classify(picture);

        Parallel.For(0, 16, _ =>
        {
            var answer = Classifier.Classify(picture);
            Assert.Equal(expected.Confidence, answer.Confidence);
            Assert.Equal(expected.Hints, answer.Hints);
        });
    }

    [Fact]
    public void Own_features_take_over_when_the_weights_are_damaged()
    {
        var classifier = new PictureClassifier(null, null, name =>
        {
            var content = SealedResource.Read(name);
            if (name.StartsWith("mobilenet", StringComparison.Ordinal))
            {
                content[1000] ^= 1;
            }

            return content;
        });

        var answer = classifier.Classify(PngEncoder.Encode(Checkerboard(100, 120)));

        Assert.Equal("own-features+head-v1", answer.Model);
        Assert.Empty(answer.Hints);
    }

    [Fact]
    public void Damaged_weights_are_an_error_where_the_network_is_demanded()
    {
        var options = new PictureClassifierOptions { Features = PictureFeatures.MobileNet };
        var classifier = new PictureClassifier(options, null, name => [1, 2, 3]);

        Assert.Throws<InvalidDataException>(() => classifier.Classify(PngEncoder.Encode(Checkerboard(10, 10))));
    }

    [Fact]
    public void Refuses_what_is_not_a_picture() =>
        Assert.ThrowsAny<ImageFormatException>(() => Classifier.Classify("hello"u8.ToArray()));

    private static Bitmap Checkerboard(int width, int height)
    {
        var bitmap = new Bitmap(width, height);
        for (int i = 0; i < bitmap.Pixels.Length; i++)
        {
            bitmap.Pixels[i] = (byte)(((i / 96) + (i / (width * 90))) % 2 == 0 ? 30 + (i % 3 * 40) : 220);
        }

        return bitmap;
    }
}
