using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Load.Desks;

/// <summary>
/// A JPEG at as many addresses as are asked for, each with pixels of its own: what desk knows of a photo it does not ask a model again. Pictures differ in their
/// quantization tables alone, which costs nothing here.
/// </summary>
internal sealed class PhotoServer : IAsyncDisposable
{
    private const int Values = 6;

    /// <summary>
    /// Where values lie in the two tables, by the order of their zigzag: the frequencies next to the mean, which alone are left in a picture of a quarter of the size.
    /// </summary>
    private static readonly int[] Entries = [1, 2, 4];

    private static readonly int Photos = (int)Math.Pow(Values, 2 * Entries.Length);

    private readonly WebApplication _app;
    private readonly byte[] _picture;
    private readonly int _luma;
    private readonly int _chroma;

    /// <summary>Somewhere else in each run, so that desk knows none from the run before.</summary>
    private int _given = Random.Shared.Next(Photos / 2);

    private PhotoServer(WebApplication app, byte[] picture)
    {
        (_app, _picture) = (app, picture);
        // Behind the first marker of a table: its length and its number, then its values from the lowest frequency on.
        _luma = picture.AsSpan().IndexOf<byte>([0xFF, 0xDB]) + 5;
        _chroma = _luma + picture.AsSpan(_luma).IndexOf<byte>([0xFF, 0xDB]) + 5;
    }

    /// <param name="picture">A baseline JPEG.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    public static async Task<PhotoServer> StartAsync(byte[] picture, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var server = new PhotoServer(builder.Build(), picture);
        server._app.MapGet("/{number:int}.jpg", server.SendAsync);
        await server._app.StartAsync(cancellationToken);
        return server;
    }

    /// <summary>An address that was not given before.</summary>
    public string Next() => Interlocked.Increment(ref _given) is var number && number < Photos
        ? $"{_app.Urls.First()}/{number}.jpg" : throw new InvalidOperationException("there are no more different photos");

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task SendAsync(HttpContext http, int number)
    {
        var start = _picture.AsSpan(0, _chroma + 64).ToArray();
        foreach (var value in Entries.SelectMany(entry => new[] { _luma + entry, _chroma + entry }))
        {
            start[value] += (byte)(number % Values);
            number /= Values;
        }

        http.Response.ContentType = "image/jpeg";
        http.Response.ContentLength = _picture.Length;
        await http.Response.Body.WriteAsync(start, http.RequestAborted);
        await http.Response.Body.WriteAsync(_picture.AsMemory(start.Length), http.RequestAborted);
    }
}
