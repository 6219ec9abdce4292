using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace IdentityProviders;

/// <summary>A request of a program, for tests to look at.</summary>
public sealed record ProviderCall(string Path, IReadOnlyDictionary<string, string> Form, string? Authorization);

/// <summary>
/// An authorization server as Google, Kakao and Naver have them: checks client, redirect, code, verifier and state as they do, and misbehaves on
/// demand. The protocol is real (RFC 6749, RFC 7636, RFC 9207), the people are made up.
/// </summary>
public sealed class IdentityProviderServer
{
    private readonly ConcurrentDictionary<string, Grant> _codes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Person> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<ProviderCall> _calls = [];

    private sealed record Grant(string Provider, string ClientId, string RedirectUri, string? Challenge, string? State, Person Person);

    /// <summary>Current behaviour.</summary>
    public Behaviour Behaviour { get; set; } = new();

    /// <summary>What programs asked so far.</summary>
    public IReadOnlyCollection<ProviderCall> Calls => _calls;

    /// <summary>Every code and token that was ever given out: none may turn up in a log.</summary>
    public ConcurrentBag<string> Secrets { get; } = [];

    /// <summary>Maps the paths of all providers.</summary>
    public void Map(IEndpointRouteBuilder routes)
    {
        foreach (var shape in ProviderShape.All)
        {
            var provider = routes.MapGroup($"/{shape.Name}");
            provider.MapGet("/authorize", (HttpContext http) => AuthorizeAsync(http, shape));
            provider.MapPost("/token", (HttpContext http) => AnswerAsync(http, Behaviour.Token, () => TokenAsync(http, shape)));
            provider.MapGet("/profile", (HttpContext http) => AnswerAsync(http, Behaviour.Profile, () => ProfileAsync(http, shape)));
        }

        // Where a redirect leads: nobody may follow one with a token.
        routes.Map("/elsewhere", (HttpContext http) => _calls.Enqueue(new ProviderCall("/elsewhere", new Dictionary<string, string>(), http.Request.Headers.Authorization)));
    }

    private Task AuthorizeAsync(HttpContext http, ProviderShape shape)
    {
        var query = http.Request.Query;
        string? Get(string name) => query[name] is [{ Length: > 0 } value] ? value : null;
        if (Get("client_id") != Behaviour.ClientId || Get("redirect_uri") is not { } redirect || Get("response_type") != "code")
        {
            // RFC 6749 §4.1.2.1: without a known client nobody is sent anywhere.
            http.Response.StatusCode = 400;
            return http.Response.WriteAsync("client_id, redirect_uri or response_type is wrong");
        }

        if (shape.Pkce && (Get("code_challenge") is not { Length: 43 } || Get("code_challenge_method") != "S256"))
        {
            http.Response.StatusCode = 400;
            return http.Response.WriteAsync("a code_challenge with S256 is missing");
        }

        if (Behaviour.Consent && Get("allow") is null)
        {
            return ShowConsentAsync(http, shape);
        }

        var person = Get("allow_id") is { } id ? new Person(id, Get("allow_email"), Get("allow_nickname"), null) : Behaviour.Person;
        var back = new Dictionary<string, string?>();
        if (Behaviour.Authorize == AuthorizeFault.Denied || Get("allow") == "no")
        {
            back["error"] = "access_denied";
        }
        else if (Behaviour.Authorize != AuthorizeFault.NoCode)
        {
            var code = NewSecret();
            _codes[code] = new Grant(shape.Name, Behaviour.ClientId, redirect, Get("code_challenge"), Get("state"), person);
            back["code"] = code;
        }

        if (Behaviour.Authorize != AuthorizeFault.NoState)
        {
            back["state"] = Behaviour.Authorize == AuthorizeFault.WrongState ? NewSecret() : Get("state");
        }

        if (shape.Issuer is not null || Behaviour.Authorize == AuthorizeFault.WrongIssuer)
        {
            back["iss"] = Behaviour.Authorize == AuthorizeFault.WrongIssuer ? "https://accounts.example.org" : shape.Issuer;
        }

        var address = QueryHelpers.AddQueryString(redirect, back);
        http.Response.Redirect(Behaviour.Authorize == AuthorizeFault.RepeatedState ? $"{address}&state={NewSecret()}" : address);
        return Task.CompletedTask;
    }

    private async Task TokenAsync(HttpContext http, ProviderShape shape)
    {
        var form = await http.Request.ReadFormAsync();
        string? Get(string name) => form[name] is [{ Length: > 0 } value] ? value : null;
        _calls.Enqueue(new ProviderCall(http.Request.Path, form.ToDictionary(field => field.Key, field => field.Value.ToString()), http.Request.Headers.Authorization));
        if (Get("client_id") != Behaviour.ClientId || (Behaviour.ClientSecret is { } secret && Get("client_secret") != secret))
        {
            await ErrorAsync(http, shape, "invalid_client");
            return;
        }

        // A code works once (RFC 6749 §4.1.2).
        var grant = Get("code") is { } code && _codes.TryRemove(code, out var known) ? known : null;
        var isGood = grant is not null && Get("grant_type") == "authorization_code"
            && grant.Provider == shape.Name && grant.ClientId == Get("client_id") && grant.RedirectUri == Get("redirect_uri")
            && (!shape.Pkce || grant.Challenge == Challenge(Get("code_verifier")))
            && (!shape.TokenNeedsState || grant.State == Get("state"));
        if (!isGood || Behaviour.Token == AnswerFault.Error)
        {
            await ErrorAsync(http, shape, "invalid_grant");
            return;
        }

        var token = NewSecret();
        _tokens[token] = grant!.Person;
        JsonObject answer = Behaviour.Token == AnswerFault.OtherShape
            ? new() { ["data"] = new JsonObject { ["access_token"] = token } }
            : new()
            {
                ["access_token"] = Behaviour.Token == AnswerFault.TokenWithLineBreak ? $"{token}\r\nX-User-ID: root" : token,
                ["token_type"] = shape.Name == "google" ? "Bearer" : "bearer",
                ["expires_in"] = 3599,
                ["refresh_token"] = NewSecret(),
            };
        await WriteAsync(http, answer, Behaviour.Token);
    }

    private async Task ProfileAsync(HttpContext http, ProviderShape shape)
    {
        var authorization = http.Request.Headers.Authorization.ToString();
        _calls.Enqueue(new ProviderCall(http.Request.Path, new Dictionary<string, string>(), authorization));
        if (!authorization.StartsWith("Bearer ", StringComparison.Ordinal) || !_tokens.TryGetValue(authorization["Bearer ".Length..], out var person)
            || Behaviour.Profile == AnswerFault.Error)
        {
            http.Response.StatusCode = 401;
            await http.Response.WriteAsJsonAsync(new JsonObject { ["error"] = "invalid_token", ["error_description"] = $"{authorization} is not valid" });
            return;
        }

        await WriteAsync(
            http, Behaviour.Profile == AnswerFault.OtherShape ? new JsonObject { ["sub"] = new JsonArray(1, 2), ["id"] = true, ["response"] = "none" } : shape.Profile(person),
            Behaviour.Profile);
    }

    private async Task AnswerAsync(HttpContext http, AnswerFault fault, Func<Task> answer)
    {
        switch (fault)
        {
            case AnswerFault.Slow:
                await Task.Delay(Behaviour.Latency, http.RequestAborted);
                break;
            case AnswerFault.Never:
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return;
            case AnswerFault.HalfAnswer:
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync("""{"access_token":""", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
                return;
            case AnswerFault.Status500:
                http.Response.StatusCode = 500;
                await http.Response.WriteAsync("<html>we are sorry</html>");
                return;
            case AnswerFault.BrokenConnection:
                http.Abort();
                return;
            case AnswerFault.Redirect:
                http.Response.Redirect("/elsewhere");
                http.Response.StatusCode = 307;
                return;
        }

        await answer();
    }

    private static Task WriteAsync(HttpContext http, JsonObject answer, AnswerFault fault)
    {
        if (fault == AnswerFault.HugeBody)
        {
            answer["padding"] = new string('x', 2 * 1024 * 1024);
        }

        var text = answer.ToJsonString();
        http.Response.ContentType = fault == AnswerFault.WrongContentType ? "text/html" : "application/json;charset=UTF-8";
        return http.Response.WriteAsync(fault == AnswerFault.MalformedJson ? text[..(text.Length / 2)] : text);
    }

    /// <summary>Naver answers errors with 200.</summary>
    private static Task ErrorAsync(HttpContext http, ProviderShape shape, string error)
    {
        http.Response.StatusCode = shape.Name == "naver" ? 200 : error == "invalid_client" ? 401 : 400;
        return http.Response.WriteAsJsonAsync(new JsonObject { ["error"] = error, ["error_description"] = "no" });
    }

    private static Task ShowConsentAsync(HttpContext http, ProviderShape shape)
    {
        var html = new StringBuilder("<!doctype html><meta charset=utf-8><title>Sign in</title><form>");
        foreach (var (name, values) in http.Request.Query)
        {
            html.Append($"<input type=hidden name=\"{HtmlEncoder.Default.Encode(name)}\" value=\"{HtmlEncoder.Default.Encode(values.ToString())}\">");
        }

        html.Append($"""
            <h1>{shape.Name} (local)</h1>
            <p><label>Id (digits) <input name=allow_id value="1001" pattern="[0-9]+" required></label>
            <p><label>E-mail <input name=allow_email value="ann@example.org"></label>
            <p><label>Nickname <input name=allow_nickname value="Ann"></label>
            <p><button name=allow value=yes>Sign in</button> <button name=allow value=no>Refuse</button></form>
            """);
        http.Response.ContentType = "text/html; charset=utf-8";
        return http.Response.WriteAsync(html.ToString());
    }

    private string NewSecret()
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(24));
        Secrets.Add(secret);
        return secret;
    }

    private static string? Challenge(string? verifier) =>
        verifier is { Length: >= 43 and <= 128 } ? Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))) : "";
}
