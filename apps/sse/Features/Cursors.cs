using System.Globalization;
using ServiceDefaults;

namespace Sse.Features;

/// <summary>Where a client wants to go on: header <c>Last-Event-ID</c>, or <c>?after=</c> for a first connection and for polling.</summary>
internal static class Cursors
{
    /// <summary>The cursor, 0 without one; null after an answer was written because it is not a number.</summary>
    public static async ValueTask<long?> ReadAsync(HttpContext context)
    {
        var text = context.Request.Headers["Last-Event-ID"].ToString();
        if (text.Length == 0)
        {
            text = context.Request.Query["after"].ToString();
        }

        if (text.Length == 0)
        {
            return 0;
        }

        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var cursor))
        {
            return cursor;
        }

        await Problems.WriteAsync(
            context, StatusCodes.Status400BadRequest, "INVALID_CURSOR", "Last-Event-ID and after are the number of an event");
        return null;
    }
}
