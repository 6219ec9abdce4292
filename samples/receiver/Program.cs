using System.Text.Json;
using Receiver;
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
var app = builder.Build();

app.MapPost("/hooks/desk", async (HttpRequest request, CancellationToken cancellationToken) =>
{
    // 1. Whose it is. The signature is over the bytes as they came, and what has none is not even parsed.
    using var copy = new MemoryStream();
    await request.Body.CopyToAsync(copy, cancellationToken);
    var body = copy.ToArray();
    string? Header(string name) => request.Headers[name];
    var id = Header(WebhookHeaders.Id);
    var verdict = verifier.Verify(id, Header(WebhookHeaders.Timestamp), Header(WebhookHeaders.Signature), body);
    if (verdict != WebhookVerdict.Genuine)
    {
        Console.WriteLine($"refused: {verdict}");
        return verdict == WebhookVerdict.SignatureWrong ? Results.Unauthorized() : Results.BadRequest();
    }

    // 2. What it says.
    Message message;
    try
    {
        message = Message.Read(body);
    }
    catch (JsonException)
    {
        // It will not be better another time: desk keeps it as a dead letter until somebody has looked.
        return Results.BadRequest();
    }

    // 3. What is done about it, once: your effect belongs where TryTake writes. It is last, so that whatever fails before is tried again. An answer of ours may
    // have been lost: the same id once more is answered alike, without the effect.
    Console.WriteLine(inbox.TryTake(id!, body) ? $"{id}: {message}" : $"{id}: a repetition");
    return Results.NoContent();
});
app.MapGet("/inbox", () => inbox.All());
app.Run();
return 0;
