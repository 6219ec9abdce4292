using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Platform.Tests;

/// <summary>What a sign-in or a refresh gives.</summary>
internal sealed record Tokens(string Access, string Refresh);

/// <summary>Somebody with a password, who repeats every request until it is answered. One request at a time.</summary>
internal sealed class PatientUser(HttpClient http, CancellationToken cancellationToken)
{
    private const string RefreshCookie = "s_refresh=";

    private readonly string _nickname = Guid.NewGuid().ToString("N");
    private readonly string _password = Guid.NewGuid().ToString();
    private string? _userId;

    /// <summary>Requests that got no answer, or one that says that the platform could not.</summary>
    public int Repeated { get; private set; }

    /// <summary>When the last request was sent (<see cref="Stopwatch"/>).</summary>
    public long Sent { get; private set; }

    /// <summary>Registers, and from then on logs in: always into the same account.</summary>
    public async Task<Tokens> SignInAsync()
    {
        using var response = await AskAsync(
            HttpMethod.Post, _userId is null ? "/api/v1/auth/register" : "/api/v1/auth/login",
            body: new { email = $"{_nickname}@example.org", password = _password, nickname = _nickname });
        var answer = await ReadAsync(response, HttpStatusCode.OK);
        var userId = answer.GetProperty("user_id").GetString();
        Assert.Equal(_userId ??= userId, userId);
        var cookie = response.Headers.GetValues("Set-Cookie").Single(one => one.StartsWith(RefreshCookie, StringComparison.Ordinal));
        return new Tokens(answer.GetProperty("access_token").GetString()!, cookie[RefreshCookie.Length..cookie.IndexOf(';', StringComparison.Ordinal)]);
    }

    public async Task<Tokens> RefreshAsync(Tokens tokens)
    {
        using var response = await AskAsync(HttpMethod.Post, "/api/v1/auth/refresh", refresh: tokens.Refresh);
        var answer = await ReadAsync(response, HttpStatusCode.Created);
        return new Tokens(answer.GetProperty("access_token").GetString()!, answer.GetProperty("refresh_token").GetString()!);
    }

    public async Task SignOutAsync(Tokens tokens)
    {
        using var response = await AskAsync(HttpMethod.Post, "/api/v1/auth/logout", tokens.Access, tokens.Refresh);
        await ReadAsync(response, HttpStatusCode.OK);
    }

    /// <summary>Whether the access token is taken; then the account is there, and whole.</summary>
    public async Task<bool> IsTakenAsync(Tokens tokens)
    {
        using var response = await AskAsync(HttpMethod.Get, "/api/v1/users/me", tokens.Access);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return false;
        }

        Assert.Equal(_nickname, (await ReadAsync(response, HttpStatusCode.OK)).GetProperty("nickname").GetString());
        return true;
    }

    /// <summary>Whether the refresh token is taken.</summary>
    public async Task<bool> CanRefreshAsync(Tokens tokens)
    {
        using var response = await AskAsync(HttpMethod.Post, "/api/v1/auth/refresh", refresh: tokens.Refresh);
        return response.StatusCode != HttpStatusCode.Unauthorized;
    }

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, string? access = null, string? refresh = null, object? body = null)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
                request.Headers.Authorization = access is null ? null : new AuthenticationHeaderValue("Bearer", access);
                if (refresh is not null)
                {
                    request.Headers.Add("X-Refresh-Token", $"Bearer {refresh}");
                }

                Sent = Stopwatch.GetTimestamp();
                var response = await http.SendAsync(request, cancellationToken);
                if (response.StatusCode < HttpStatusCode.InternalServerError)
                {
                    return response;
                }

                response.Dispose();
            }
            catch (HttpRequestException)
            {
                // The connection broke: nobody knows what was done.
            }

            Repeated++;
            await Task.Delay(200, cancellationToken);
        }
    }

    private async Task<JsonElement> ReadAsync(HttpResponseMessage response, HttpStatusCode expected)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        Assert.True(response.StatusCode == expected, $"{response.RequestMessage!.RequestUri!.AbsolutePath}: {response.StatusCode} {text}");
        return JsonElement.Parse(text);
    }
}
