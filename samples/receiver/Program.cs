using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Webhooks;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls(builder.Configuration["url"] ?? "http://127.0.0.1:5203");
// More than desk sends, and nobody else has anything to say here.
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 256 * 1024);
// The console is for what was taken.
builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
if (builder.Configuration["secrets"] is { } file)
{
    builder.Configuration.AddJsonFile(Path.GetFullPath(file));
}

// The newest first, separated by blanks, as desk's own: during a rotation both are good.
WebhookSecret[] secrets = [.. (builder.Configuration["callback-signing"] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(WebhookSecret.Parse)];
if (secrets.Length == 0)
{
    Console.Error.WriteLine("no secret: give --secrets FILE, a JSON file with an entry callback-signing, or a setting callback-signing");
    return 2;
}

var verifier = new WebhookVerifier(secrets);
var inbox = new Inbox(builder.Configuration["inbox"] ?? Path.Combine(".data", "receiver"), builder.Configuration.GetValue("remember", TimeSpan.FromHours(24)));
var json = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectRequiredConstructorParameters = true };
var app = builder.Build();

app.MapPost("/hooks/desk", async (HttpRequest request, CancellationToken cancellationToken) =>
{
    // The bytes as they came: the signature is over them, and what has none is not even parsed.
    using var body = new MemoryStream();
    await request.Body.CopyToAsync(body, cancellationToken);
    string? Header(string name) => request.Headers[name];
    var id = Header(WebhookHeaders.Id);
    var verdict = verifier.Verify(id, Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), body.ToArray());
    if (verdict != WebhookVerdict.Genuine)
    {
        Console.WriteLine($"refused: {verdict}");
        return verdict == WebhookVerdict.SignatureWrong ? Results.Unauthorized() : Results.BadRequest();
    }

    string effect;
    try
    {
        // Types and fields are only ever added: one that is not known is taken, and nothing is done with it.
        var message = JsonSerializer.Deserialize<Message>(body.ToArray(), json) ?? throw new JsonException("null is no message");
        effect = message.Type switch
        {
            "desk.classified" => $"{message.Data.Deserialize<Classified>(json)}",
            "desk.completed" => $"{message.Data.Deserialize<Completed>(json)}",
            _ => $"{message.Type} is unknown here",
        };
    }
    catch (JsonException)
    {
        // It will not be better another time: desk keeps it as a dead letter until somebody has looked.
        return Results.BadRequest();
    }

    // Last, so that whatever fails before is tried again. An answer of ours may have been lost: the same id once more is answered alike, without the effect.
    Console.WriteLine(inbox.TryTake(id!, body.ToArray()) ? $"{id}: {effect}" : $"{id}: a repetition");
    return Results.NoContent();
});
app.MapGet("/inbox", () => inbox.All());
app.Run();
return 0;

internal sealed record Message(string Type, JsonElement Data);

internal sealed record Classified(string RequestId, string InitialImageUrl, bool Classify, double Confidence, bool Unsure);

internal sealed record Completed(
    string RequestId, string TaskId, string Status, string InitialImageUrl, long ElapsedMs, string? ProcessedImageUrl = null, JsonElement? Products = null, JsonElement? Error = null);

/// <summary>
/// What was taken, a file per message: the effect of this sample and its memory are one. Where there is a database the id belongs there, written in the
/// transaction of the effect.
/// </summary>
/// <param name="folder">Where it is kept.</param>
/// <param name="remember">How long; longer than desk waits between two attempts.</param>
internal sealed class Inbox(string folder, TimeSpan remember)
{
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(folder);

    /// <summary>Keeps a message; false when it was there. When this returns it outlives the process.</summary>
    public bool TryTake(string id, byte[] body)
    {
        var path = Path.Combine(_folder.FullName, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}.json");
        lock (_folder)
        {
            foreach (var old in _folder.EnumerateFiles("*.json").Where(file => file.LastWriteTimeUtc < TimeProvider.System.GetUtcNow() - remember))
            {
                old.Delete();
            }

            if (File.Exists(path))
            {
                return false;
            }

            using (var file = File.Create($"{path}.new"))
            {
                file.Write(body);
                file.Flush(flushToDisk: true);
            }

            File.Move($"{path}.new", path);
            return true;
        }
    }

    /// <summary>All of it, the oldest first.</summary>
    public List<JsonElement> All() =>
        [.. _folder.GetFiles("*.json").OrderBy(file => file.LastWriteTimeUtc).Select(file => JsonElement.Parse(File.ReadAllBytes(file.FullName)))];
}
