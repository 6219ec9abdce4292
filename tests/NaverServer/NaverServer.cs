using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NaverServers;

/// <summary>
/// A server on loopback that speaks the protocol of Naver's shopping search: what the documentation does not know is an error here as there. What it finds is
/// thought up (<see cref="NaverItem.Of"/>) or scripted with <see cref="Next"/>.
/// </summary>
public sealed class NaverServer(TimeProvider? time = null) : IAsyncDisposable
{
    /// <summary>The only path.</summary>
    public const string Path = "/v1/search/shop.json";

    private const int MaxDisplay = 100;
    private const int MaxStart = 1000;

    /// <summary>How many there are of everything.</summary>
    private const int Total = 37;

    private static readonly string[] Sorts = ["sim", "date", "asc", "dsc"];
    private static readonly string[] Exclusions = ["used", "rental", "cbshop"];
    private static readonly string[] Names = ["query", "display", "start", "sort", "filter", "exclude"];
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentQueue<NaverReply> _next = [];
    private readonly ConcurrentQueue<NaverQuery> _queries = [];
    private readonly ConcurrentQueue<string> _rejected = [];
    private readonly Queue<DateTimeOffset> _lately = [];
    private WebApplication? _app;
    private int _answered;
    private int _calls;
    private int _running;
    private int _maxConcurrent;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app!.Urls.First());

    /// <summary>How it behaves.</summary>
    public NaverBehaviour Behaviour { get; set; } = new();

    /// <summary>Answers when nothing is scripted; null thinks up what is found.</summary>
    public Func<NaverQuery, NaverReply?> Brain { get; set; } = _ => null;

    /// <summary>Requests of any kind.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Requests that were understood, also those that failed.</summary>
    public IReadOnlyList<NaverQuery> Queries => [.. _queries];

    /// <summary>What was wrong with the others.</summary>
    public IReadOnlyList<string> Rejected => [.. _rejected];

    /// <summary>Requests at this moment.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Most requests at one time.</summary>
    public int MaxConcurrent => Volatile.Read(ref _maxConcurrent);

    /// <summary>Starts a server on a free port of 127.0.0.1.</summary>
    public static async Task<NaverServer> StartAsync(TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new NaverServer(time) { _app = builder.Build() };
        server.Map(server._app);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Serves from an application that somebody else runs.</summary>
    public void Map(IEndpointRouteBuilder routes) => routes.Map("/{**path}", HandleAsync);

    /// <summary>Scripts the next replies, in order.</summary>
    public void Next(params NaverReply[] replies)
    {
        foreach (var reply in replies)
        {
            _next.Enqueue(reply);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            // Not gracefully: a test may end while a reply is still waiting.
            await _app.StopAsync(new CancellationToken(canceled: true));
            await _app.DisposeAsync();
        }
    }

    private async Task HandleAsync(HttpContext http)
    {
        Interlocked.Increment(ref _calls);
        var running = Interlocked.Increment(ref _running);
        for (var seen = Volatile.Read(ref _maxConcurrent); running > seen; seen = Volatile.Read(ref _maxConcurrent))
        {
            Interlocked.CompareExchange(ref _maxConcurrent, running, seen);
        }

        try
        {
            if (Read(http.Request, out var query) is { } wrong)
            {
                _rejected.Enqueue($"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}: {wrong.Code} {wrong.Message}");
                await FailAsync(http, wrong.Status, wrong.Code, wrong.Message);
                return;
            }

            _queries.Enqueue(query);
            if (Behaviour.Latency > TimeSpan.Zero)
            {
                await Task.Delay(Behaviour.Latency, _time, http.RequestAborted);
            }

            await ReplyAsync(http, query, _next.TryDequeue(out var scripted) ? scripted : Brain(query) ?? Limit() ?? Think(query));
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has gone; there is nobody to answer.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    /// <summary>What is wrong with a request; nothing when it was understood.</summary>
    private (int Status, string Code, string Message)? Read(HttpRequest request, out NaverQuery query)
    {
        query = null!;
        if (request.Path != Path)
        {
            return (404, "SE05", "Invalid search api");
        }

        if (request.Method != HttpMethods.Get || request.ContentLength > 0)
        {
            return (405, "SE01", "Method not allowed");
        }

        if (request.Headers["X-Naver-Client-Id"] is not [{ Length: > 0 } id] || request.Headers["X-Naver-Client-Secret"] is not [{ Length: > 0 } secret])
        {
            return (401, "024", "Not Exist Client ID : Authentication failed.");
        }

        if (id != Behaviour.ClientId || secret != Behaviour.ClientSecret)
        {
            return (401, "024", "NID AUTH Result Invalid (1000) : Authentication failed.");
        }

        if (!TryDecode(request.QueryString.Value ?? "", out var parameters))
        {
            return (400, "SE06", "Malformed encoding");
        }

        // The real server overlooks what it does not know; a client that sends it is wrong about something.
        if (parameters.Select(parameter => parameter.Name).FirstOrDefault(name => !Names.Contains(name)) is { } unknown)
        {
            return (400, "SE01", $"Incorrect query request: unknown parameter {unknown}");
        }

        if (parameters.GroupBy(parameter => parameter.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            return (400, "SE01", $"Incorrect query request: {twice.Key} is given twice");
        }

        var given = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value);
        if (!given.TryGetValue("query", out var words) || string.IsNullOrWhiteSpace(words))
        {
            return (400, "SE01", "Incorrect query request");
        }

        if (!IsWithin(given, "display", 10, MaxDisplay, out var display))
        {
            return (400, "SE02", "Invalid display value");
        }

        if (!IsWithin(given, "start", 1, MaxStart, out var start))
        {
            return (400, "SE03", "Invalid start value");
        }

        var sort = given.GetValueOrDefault("sort", "sim");
        if (!Sorts.Contains(sort))
        {
            return (400, "SE04", "Invalid sort value");
        }

        string[] exclude = given.GetValueOrDefault("exclude") is { } exclusions ? exclusions.Split(':') : [];
        if (exclude.Any(kind => !Exclusions.Contains(kind)) || given.GetValueOrDefault("filter", "naverpay") != "naverpay")
        {
            return (400, "SE01", "Incorrect query request");
        }

        query = new NaverQuery(words, display, start, sort, exclude)
        {
            Headers = request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()),
        };
        return null;
    }

    private static bool IsWithin(Dictionary<string, string> given, string name, int otherwise, int most, out int value)
    {
        value = otherwise;
        return !given.TryGetValue(name, out var text)
            || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= 1 && value <= most);
    }

    /// <summary>Names and values; only percent-encoded UTF-8 is some.</summary>
    private static bool TryDecode(string query, out List<(string Name, string Value)> parameters)
    {
        parameters = [];
        foreach (var pair in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            if (parts.Length != 2 || !TryDecodeText(parts[0], out var name) || !TryDecodeText(parts[1], out var value))
            {
                return false;
            }

            parameters.Add((name, value));
        }

        return true;
    }

    private static bool TryDecodeText(string text, out string decoded)
    {
        decoded = "";
        var bytes = new List<byte>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '%')
            {
                if (i + 2 >= text.Length || !byte.TryParse(text.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var octet))
                {
                    return false;
                }

                bytes.Add(octet);
                i += 2;
            }
            else if (text[i] is > ' ' and < (char)127)
            {
                bytes.Add((byte)(text[i] == '+' ? ' ' : text[i]));
            }
            else
            {
                return false;
            }
        }

        try
        {
            decoded = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString([.. bytes]);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private NaverReply? Limit()
    {
        var now = _time.GetUtcNow();
        lock (_lately)
        {
            if (_answered >= Behaviour.Quota)
            {
                return new ErrorReply(429, "010", null);
            }

            while (_lately.TryPeek(out var first) && now - first >= TimeSpan.FromSeconds(1))
            {
                _lately.Dequeue();
            }

            if (Behaviour.PerSecond > 0 && _lately.Count >= Behaviour.PerSecond)
            {
                return new ErrorReply(429, "012", null);
            }

            _answered++;
            _lately.Enqueue(now);
            return null;
        }
    }

    private static FoundReply Think(NaverQuery query) => new FoundReply(
        [.. Enumerable.Range(query.Start, Math.Max(0, Math.Min(query.Display, Total - query.Start + 1))).Select(number => NaverItem.Of(query.Query, number))]);

    private async Task ReplyAsync(HttpContext http, NaverQuery query, NaverReply reply)
    {
        var cancellationToken = http.RequestAborted;
        if (reply.Before is { } before)
        {
            await before(cancellationToken);
        }

        switch (reply)
        {
            case FoundReply items:
                await WriteAsync(http, Answer(query, items.Items));
                break;
            case ErrorReply error:
                if (error.RetryAfter is { } wait)
                {
                    http.Response.Headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
                }

                await FailAsync(http, error.Status, error.Code, MessageOf(error.Code));
                break;
            case PageReply page:
                http.Response.StatusCode = page.Status;
                http.Response.ContentType = "text/html; charset=UTF-8";
                await http.Response.WriteAsync("<html><body>Bad Gateway</body></html>", cancellationToken);
                break;
            case TextReply other:
                await WriteAsync(http, other.Body);
                break;
            case RedirectReply redirect:
                http.Response.Redirect(redirect.Location);
                break;
            case CutReply cut:
                var whole = Encoding.UTF8.GetBytes(Answer(query, Think(query).Items));
                http.Response.ContentType = "application/json;charset=UTF-8";
                http.Response.ContentLength = whole.Length;
                await http.Response.Body.WriteAsync(whole.AsMemory(0, whole.Length / 2), cancellationToken);
                await http.Response.Body.FlushAsync(cancellationToken);
                if (cut.Hangs)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                }

                http.Abort();
                break;
            case NeverReply:
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
                break;
            default:
                http.Abort();
                break;
        }
    }

    private string Answer(NaverQuery query, IReadOnlyList<NaverItem> items) => new JsonObject
    {
        ["lastBuildDate"] = _time.GetUtcNow().ToOffset(TimeSpan.FromHours(9)).ToString("ddd, dd MMM yyyy HH:mm:ss +0900", CultureInfo.InvariantCulture),
        ["total"] = Total,
        ["start"] = query.Start,
        ["display"] = items.Count,
        ["items"] = new JsonArray([.. items.Select(item => item.ToJson())]),
    }.ToJsonString(Json);

    private static async Task WriteAsync(HttpContext http, string body)
    {
        http.Response.ContentType = "application/json;charset=UTF-8";
        await http.Response.WriteAsync(body, http.RequestAborted);
    }

    private static async Task FailAsync(HttpContext http, int status, string code, string message)
    {
        http.Response.StatusCode = status;
        await WriteAsync(http, new JsonObject { ["errorMessage"] = message, ["errorCode"] = code }.ToJsonString(Json));
    }

    private static string MessageOf(string code) => code switch
    {
        "010" => "Query limit exceeded. (쿼리 한도를 초과했습니다.)",
        "012" => "Rate limit exceeded. (속도 제한을 초과했습니다.)",
        "024" => "Scope Status Invalid : Authentication failed.",
        "SE99" => "System Error (시스템 에러)",
        _ => "Error",
    };
}
