using Images.Storage;
using Imaging;

namespace Images.Tests;

public sealed class PictureRulesTests
{
    private static readonly ImagesOptions Limits = new() { MaxPixels = 1000, MaxSide = 100 };

    [Theory]
    [InlineData(10, 100)]
    [InlineData(100, 10)]
    public void A_picture_within_the_limits_is_taken(int width, int height) =>
        Assert.Null(PictureRules.Refusal(PngEncoder.Encode(new Bitmap(width, height)), Limits));

    [Theory]
    [InlineData(26, 40)]
    [InlineData(101, 1)]
    [InlineData(1, 101)]
    public void Too_many_pixels_or_too_long_a_side_is_too_large(int width, int height)
    {
        Assert.Equal((413, "IMAGE_TOO_LARGE"), Refused(PngEncoder.Encode(new Bitmap(width, height))));
        Assert.Equal((413, "IMAGE_TOO_LARGE"), Refused(JpegEncoder.Encode(new Bitmap(width, height))));
    }

    [Fact]
    public void A_file_that_only_begins_like_a_picture_is_unsupported() =>
        Assert.Equal((415, "UNSUPPORTED_IMAGE"), Refused([0xFF, 0xD8, 0xFF, 0xE0, .. new byte[100]]));

    private static (int Status, string Code) Refused(byte[] file)
    {
        var problem = PictureRules.Refusal(file, Limits)!;
        return (problem.StatusCode, (string)problem.ProblemDetails.Extensions["code"]!);
    }
}
