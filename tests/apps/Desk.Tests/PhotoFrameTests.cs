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
    [InlineData(1000, 750, 3, 34, 250, 188)]
    [InlineData(240, 180, 8, 38, 240, 180)]
    [InlineData(239, 180, 0, 31, 256, 193)]
    public void A_photo_is_whole_and_in_its_own_proportions(int width, int height, int left, int top, int fittedWidth, int fittedHeight)
    {
        var (square, place) = PhotoFrame.Fit(PngEncoder.Encode(new Bitmap(width, height)), 256, CancellationToken.None);

        Assert.Equal((256, 256), (square.Width, square.Height));
        Assert.Equal(new PhotoPlace(left, top, fittedWidth, fittedHeight), place);
        var cut = PhotoFrame.Cut(PngEncoder.Encode(square), place, 320, CancellationToken.None);
        Assert.Equal((fittedWidth, fittedHeight), (cut.Width, cut.Height));
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
        Assert.True(PhotoFrame.Cut(PngEncoder.Encode(square), place, 320, CancellationToken.None).Pixels.SequenceEqual(photo.Pixels));
    }

    [Theory]
    [InlineData(4, 10, 7)]
    [InlineData(30, 40, 30)]
    [InlineData(31, 80, 60)]
    [InlineData(60, 80, 60)]
    [InlineData(61, 80, 60)]
    public void Cut_out_it_may_be_smaller_and_shows_none_of_the_border(int minSide, int width, int height)
    {
        var square = new Bitmap(96, 96);
        for (var y = 17; y < 77; y++)
        {
            square.Row(y).Slice(7 * Bitmap.Channels, 80 * Bitmap.Channels).Fill(200);
        }

        var cut = PhotoFrame.Cut(PngEncoder.Encode(square), new PhotoPlace(7, 17, 80, 60), minSide, CancellationToken.None);

        Assert.InRange(cut.Width, width - 1, width);
        Assert.InRange(cut.Height, height - 1, height);
        Assert.DoesNotContain(cut.Pixels.ToArray(), pixel => pixel != 200);
    }

    [Fact]
    public void A_photo_lies_as_its_camera_says() => Assert.Equal(
        new PhotoPlace(32, 0, 192, 256), PhotoFrame.Fit(Pictures.With(JpegEncoder.Encode(new Bitmap(400, 300)), Pictures.Exif(6, "here")), 256, CancellationToken.None).Place);
}
