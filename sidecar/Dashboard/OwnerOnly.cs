using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Dashboard;

/// <summary>
/// Lets in who has opened the printed address. Loopback is no border: other users of the machine and pages of other sites in the same browser
/// reach the port too.
/// </summary>
internal static class OwnerOnly
{
    private const string Cookie = "tandem-dashboard";

    public static void UseOwnerOnly(this WebApplication app, string token) => app.Use(async (http, next) =>
    {
        var response = http.Response;
        response.Headers.ContentSecurityPolicy = "default-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        if (http.Request.Host.Host is not ("127.0.0.1" or "localhost"))
        {
            // A name that was pointed at this machine.
            await RefuseAsync(response, StatusCodes.Status421MisdirectedRequest, "this is 127.0.0.1 only");
        }
        else if (http.Request.Query["token"] is [{ } given] && IsToken(given))
        {
            response.Cookies.Append(Name(http), token, new CookieOptions { HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
            response.Redirect("/");
        }
        else if (http.Request.Cookies[Name(http)] is not { } cookie || !IsToken(cookie))
        {
            await RefuseAsync(response, StatusCodes.Status401Unauthorized, "open the address that './daprw dashboard' has printed");
        }
        else
        {
            await next(http);
        }

        bool IsToken(string text) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(token));
    });

    /// <summary>Browsers keep cookies per host, not per port: two dashboards must not share one.</summary>
    private static string Name(HttpContext http) => $"{Cookie}-{http.Connection.LocalPort}";

    private static Task RefuseAsync(HttpResponse response, int status, string text)
    {
        response.StatusCode = status;
        return response.WriteAsync(text + "\n");
    }
}
