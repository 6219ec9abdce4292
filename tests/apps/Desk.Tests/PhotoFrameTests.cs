using Desk.Photos;
using Imaging;

namespace Desk.Tests;

/// <summary>Photos in their squares.</summary>
public sealed class PhotoFrameTests
{
    [Theory]
    [InlineData(400, 300, 0, 32, 256, 192)]
    [InlineData(300, 400, 32, 0, 192, 256)]
    [InlineData(64, 64, 0, 0, 256, 256)]
    [InlineData(4000, 40, 0, 126, 256, 3)]
    public void A_photo_is_whole_and_in_its_own_proportions(int width, int height, int left, int top, int fittedWidth, int fittedHeight)
    {
        var (square, place) = PhotoFrame.Fit(PngEncoder.Encode(new Bitmap(width, height)), 256, CancellationToken.None);

        Assert.Equal((256, 256), (square.Width, square.Height));
        Assert.Equal(new PhotoPlace(left, top, fittedWidth, fittedHeight), place);
        Assert.Equal((fittedWidth, fittedHeight), (PhotoFrame.Cut(square, place).Width, PhotoFrame.Cut(square, place).Height));
    }

    [Fact]
    public void Its_edges_go_on_to_the_border_and_are_cut_off_again()
    {
        var photo = new Bitmap(64, 32);
        for (var y = 0; y < 32; y++)
        {
            photo.Row(y).Fill((byte)(y < 16 ? 10 : 200));
        }

        var (square, place) = PhotoFrame.Fit(PngEncoder.Encode(photo), 64, CancellationToken.None);

        Assert.Equal((10, 10, 200, 200), (square.Row(0)[0], square.Row(17)[0], square.Row(47)[0], square.Row(63)[0]));
        Assert.True(PhotoFrame.Cut(square, place).Pixels.SequenceEqual(photo.Pixels));
    }

    [Fact]
    public void A_photo_lies_as_its_camera_says() => Assert.Equal(
        new PhotoPlace(32, 0, 192, 256), PhotoFrame.Fit(Pictures.With(JpegEncoder.Encode(new Bitmap(400, 300)), Pictures.Exif(6, "here")), 256, CancellationToken.None).Place);
}
