using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using ScanClient;
using TestKit;

namespace Platform.Tests;

/// <summary>
/// Every operation of the merged OpenAPI document under attack, on one run of real processes. A new route is attacked without touching this; a
/// parameter of a new kind fails until it is said what somebody else's would be.
/// </summary>
public sealed class AttackTests(LocalFixture fixture) : IClassFixture<LocalFixture>, IDisposable
{
    private const int AtOnce = 8;

    private readonly PlatformRun _run = fixture.Run;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(120));

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task Nobody_gets_in_without_a_token_that_we_made()
    {
        var victim = await VictimAsync();
        await AttackAsync(async operation =>
        {
            foreach (var (name, headers) in Credentials(victim))
            {
                var answer = await SendAsync(operation.Method, operation.PathOf(victim.Ids), operation.Body(victim.Ids), headers);
                Sound(operation, name, answer, victim);
                if (operation.NeedsToken && answer.Status != 401)
                {
                    Fail(operation, name, answer, "not 401");
                }
            }
        });
    }

    [Fact]
    public async Task What_belongs_to_somebody_else_is_not_there()
    {
        var victim = await VictimAsync();
        await AttackAsync(async operation =>
        {
            // Some operations end the session or the account that asks.
            var attacker = await _run.UserAsync(_limit.Token);
            (string, string)[] token = [("Authorization", attacker.Token.ToString())];
            foreach (var (name, headers) in ((string, (string, string)[])[])[("another user", token), ("another user with smuggled headers", [.. token, .. Smuggled(victim)])])
            {
                var answer = await SendAsync(operation.Method, operation.PathOf(victim.Ids), operation.Body(victim.Ids), headers);
                Sound(operation, name, answer, victim);
                if (operation.NeedsToken && operation.IsAboutOwned && answer.Status is >= 200 and < 400)
                {
                    Fail(operation, name, answer, "data of somebody else");
                }
            }
        });
    }

    [Fact]
    public async Task Bodies_that_are_not_what_was_asked_for_are_refused_and_nothing_breaks()
    {
        var victim = await VictimAsync();
        await AttackAsync(async operation =>
        {
            if (operation.Method is "GET" or "HEAD")
            {
                return;
            }

            foreach (var (name, content) in BadBodies())
            {
                var attacker = await _run.UserAsync(_limit.Token);
                var answer = await SendAsync(operation.Method, operation.PathOf(victim.Ids), content, [("Authorization", attacker.Token.ToString())]);
                Sound(operation, name, answer, victim);
                if (operation.TakesBody && answer.Status < 400)
                {
                    Fail(operation, name, answer, "taken");
                }
            }
        });
    }

    [Fact]
    public async Task Who_goes_round_the_gateway_is_refused()
    {
        var victim = await VictimAsync();
        var apps = Directory.GetFiles(Path.Combine(Snapshot.Root(), "docs/openapi"), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Where(app => app != "gateway");
        var asked = 0;
        foreach (var app in apps)
        {
            var address = _run.AddressOf(app, 0).GetLeftPart(UriPartial.Authority);
            var document = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Snapshot.Root(), "docs/openapi", $"{app}.json"), _limit.Token))!.AsObject();
            foreach (var operation in Operation.Of(document))
            {
                var answer = await SendAsync(operation.Method, address + operation.PathOf(victim.Ids), operation.Body(victim.Ids), [.. Smuggled(victim)]);
                Sound(operation, "on the app's own port", answer, victim);
                Assert.True(answer.Status is 401 or 403, $"{app} {operation}: {answer.Status}");
                asked++;
            }

            foreach (var path in (string[])["/metrics", "/dapr/subscribe", "/dapr/config", "/openapi/v1.json"])
            {
                var answer = await SendAsync("GET", address + path, null, [.. Smuggled(victim)]);
                Assert.True(answer.Status == 403, $"{app} {path}: {answer.Status}");
            }
        }

        Assert.NotEqual(0, asked);
    }

    private async Task<Victim> VictimAsync()
    {
        var user = await _run.UserAsync(_limit.Token);
        var image = await user.UploadAsync(PlatformRun.Picture, "image/png", _limit.Token);
        var job = await user.SubmitAsync(image, Guid.NewGuid().ToString(), _limit.Token);
        var sessions = await user.GetAsync("/api/v1/auth/sessions", _limit.Token);
        return new Victim(user, image, job, sessions.GetProperty("sessions")[0].GetProperty("id").GetString()!);
    }

    private async Task AttackAsync(Func<Operation, Task> attack)
    {
        var document = (await _run.Http.GetFromJsonAsync<JsonObject>("/openapi/v1.json", _limit.Token))!;
        Assert.Null(document["x-missing"]);
        var operations = Operation.Of(document).ToArray();
        Assert.NotEmpty(operations);
        await Parallel.ForEachAsync(
            operations, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = _limit.Token }, async (operation, _) => await attack(operation));
    }

    private static IEnumerable<(string Name, (string, string)[] Headers)> Credentials(Victim victim)
    {
        var expired = TestTokens.Of(victim.User.UserId, lifetime: TimeSpan.FromHours(-1));
        var forged = TestTokens.Of(victim.User.UserId);
        yield return ("no token", []);
        yield return ("garbage", [("Authorization", "Bearer garbage")]);
        yield return ("three parts of garbage", [("Authorization", "Bearer e30.e30.e30")]);
        yield return ("another way to sign in", [("Authorization", "Basic dTpw")]);
        yield return ("a token of another key", [("Authorization", $"Bearer {forged}")]);
        yield return ("an expired token", [("Authorization", $"Bearer {expired}")]);
        yield return ("a forged cookie", [("Cookie", $"s_access={forged}"), ("Sec-Fetch-Site", "same-origin")]);
        yield return ("headers of the gateway", [.. Smuggled(victim)]);
    }

    private static IEnumerable<(string, string)> Smuggled(Victim victim) =>
    [
        ("X-User-ID", victim.User.UserId), ("X_User_ID", victim.User.UserId), ("X-User-Roles", "admin"), ("X-User-Session", victim.Session), ("X-Auth-Provider", "guest"),
        ("dapr-caller-app-id", "gateway"), ("dapr-app-id", "users"), ("dapr-api-token", "guess"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "internal"),
        ("X-Original-URL", "/internal/users/sign-in"),
    ];

    private static IEnumerable<(string Name, HttpContent Content)> BadBodies()
    {
        static HttpContent Json(string text) => new StringContent(text, Encoding.UTF8, "application/json");
        yield return ("no JSON", Json("{\"a\":"));
        yield return ("null", Json("null"));
        yield return ("an array", Json("[1,2,3]"));
        yield return ("members of other types", Json("""{"filename":{},"content_type":[],"image_url":7,"key":{},"etag":[],"nickname":[],"phone_number":{},"name":{},"password":[],"email":7}"""));
        yield return ("deep JSON", Json(new string('[', 20_000) + new string(']', 20_000)));
        yield return ("another type", new StringContent("<a/>", Encoding.UTF8, "application/xml"));
        yield return ("a body without a type", new ByteArrayContent([0xFF, 0xFE, 0x00]));
        yield return ("a large body", Json($"{{\"nickname\":\"{new string('a', 2 * 1024 * 1024)}\"}}"));
    }

    /// <summary>Whatever is asked: no failure of ours, every refusal a problem with a code, nothing told that is not for this caller.</summary>
    private void Sound(Operation operation, string attack, Answer answer, Victim victim)
    {
        if (answer.Status >= 500 && answer.Code is not ("NOT_IMPLEMENTED" or "NOT_READY"))
        {
            Fail(operation, attack, answer, "a failure of ours");
        }

        if (answer.Status >= 400 && answer.Code is null && !operation.HasOwnForm(answer.Status))
        {
            Fail(operation, attack, answer, "no problem with a code");
        }

        string[] secrets = ["   at ", ".cs:line", "Exception", PlatformRun.Root, _run.DataDirectory, victim.User.Token.Parameter!];
        if (secrets.FirstOrDefault(secret => answer.Body.Contains(secret, StringComparison.Ordinal)) is { } told)
        {
            Fail(operation, attack, answer, $"tells '{told}'");
        }

        // What the attacker sends may come back; what only the owner knows may not.
        if (answer.Status < 400 && new[] { victim.User.UserId, victim.Job.ToString(), victim.File, victim.Session }.Any(own => answer.Body.Contains(own, StringComparison.Ordinal)))
        {
            Fail(operation, attack, answer, "data of somebody else");
        }
    }

    private static void Fail(Operation operation, string attack, Answer answer, string what) =>
        Assert.Fail($"{operation} with {attack}: {what}: {answer.Status} {answer.Body[..Math.Min(answer.Body.Length, 300)]}");

    private async Task<Answer> SendAsync(string method, string path, HttpContent? content, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = content };
        request.Headers.ExpectContinue = content?.Headers.ContentLength > 1024 * 1024;
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _run.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _limit.Token);
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            return new Answer((int)response.StatusCode, null, "");
        }

        var body = await response.Content.ReadAsStringAsync(_limit.Token);
        var code = response.Content.Headers.ContentType?.MediaType == "application/problem+json" ? (string?)JsonNode.Parse(body)?["code"] : null;
        return new Answer((int)response.StatusCode, code, body);
    }

    private sealed record Answer(int Status, string? Code, string Body);

    private sealed record Victim(ScanUser User, string Image, Guid Job, string Session)
    {
        public string File { get; } = new Uri(Image).Segments[^1];

        /// <summary>By name of a parameter or of a member of a body: what is somebody else's.</summary>
        public Dictionary<string, string> Ids => new()
        {
            ["jobId"] = Job.ToString(),
            ["job_id"] = Job.ToString(),
            ["file"] = File,
            ["key"] = $"scan/{File}",
            ["image_url"] = Image,
            ["id"] = Session,
            ["userId"] = User.UserId,
            ["user_id"] = User.UserId,
        };
    }

    /// <summary>An operation of a document.</summary>
    private sealed record Operation(string Method, string Path, JsonObject Node, JsonObject Document)
    {
        /// <summary>Parameters that name nothing of anybody, with a value.</summary>
        private static readonly Dictionary<string, string> Common = new() { ["channel"] = "scan", ["name"] = "nobody", ["provider"] = "google", ["code"] = "char-petty" };

        /// <summary>Names of what belongs to somebody.</summary>
        private static readonly string[] Owned = ["jobId", "job_id", "file", "id", "userId"];

        private IEnumerable<JsonNode> Parameters => (Node["parameters"]?.AsArray() ?? []).Select(parameter =>
            (string?)parameter!["$ref"] is { } reference ? JsonSchemaCheck.Resolve(Document, reference)! : parameter);

        public bool NeedsToken => Node["security"] is JsonArray { Count: > 0 };

        public bool IsAboutOwned => Parameters.Any(parameter => Owned.Contains((string)parameter["name"]!));

        /// <summary>Whether another protocol says what the answer looks like.</summary>
        public bool HasOwnForm(int status) => Node["responses"]![status.ToString("D")]?["content"]?["application/json"] is not null;

        public bool TakesBody => Node["requestBody"] is not null;

        public static IEnumerable<Operation> Of(JsonObject document) =>
            from path in document["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            select new Operation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject(), document);

        public string PathOf(IReadOnlyDictionary<string, string> ids)
        {
            var path = Path;
            var query = new List<string>();
            foreach (var parameter in Parameters)
            {
                var name = (string)parameter["name"]!;
                if ((string)parameter["in"]! == "path")
                {
                    var value = ids.GetValueOrDefault(name) ?? Common.GetValueOrDefault(name)
                        ?? throw new InvalidOperationException($"{this}: say in AttackTests what {{{name}}} of somebody else is, or that it is nobody's");
                    path = path.Replace($"{{{name}}}", Uri.EscapeDataString(value), StringComparison.Ordinal);
                }
                else if ((string)parameter["in"]! == "query" && ids.TryGetValue(name, out var id))
                {
                    query.Add($"{name}={Uri.EscapeDataString(id)}");
                }
            }

            return query.Count == 0 ? path : $"{path}?{string.Join('&', query)}";
        }

        /// <summary>The documented example, about what is somebody else's.</summary>
        public HttpContent? Body(IReadOnlyDictionary<string, string> ids)
        {
            if (Node["requestBody"]?["content"] is not JsonObject content)
            {
                return null;
            }

            var (type, media) = content.First();
            if (type != "application/json")
            {
                return new ByteArrayContent(PlatformRun.Picture) { Headers = { ContentType = MediaTypeHeaderValue.Parse("image/png") } };
            }

            var example = (media!["example"] ?? media["examples"]?.AsObject().First().Value!["value"])!.DeepClone();
            foreach (var name in example is JsonObject members ? members.Select(member => member.Key).Where(ids.ContainsKey).ToArray() : [])
            {
                example[name] = ids[name];
            }

            return new StringContent(example.ToJsonString(), Encoding.UTF8, "application/json");
        }

        public override string ToString() => $"{Method} {Path}";
    }
}
