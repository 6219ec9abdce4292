using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using TestKit;
using Webhooks;

namespace Desk.Tests;

/// <summary>The check in Python that docs/desk.md shows, run as it stands there.</summary>
public sealed class PythonReceiverTests
{
    private const string Id = "0197a1b2-c3d4-5e5f-8a9b-0c1d2e3f4a5b";

    private static readonly byte[] Body = Encoding.UTF8.GetBytes("""{"type":"desk.classified","data":{"request_id":"책상"}}""");

    [Fact]
    public async Task It_tells_what_is_genuine()
    {
        var (secret, next) = (WebhookSecret.Generate(), WebhookSecret.Generate());
        var now = TimeProvider.System.GetUtcNow();
        string Signed(params WebhookSecret[] secrets) => WebhookSignature.Sign(Id, now, Body, secrets);
        (string Secrets, string?[] Headers, byte[] Body, string Verdict)[] cases =
        [
            (secret.Reveal(), [Id, WebhookSignature.Text(now), Signed(secret)], Body, Id),
            (secret.Reveal()["whsec_".Length..], [Id, WebhookSignature.Text(now), Signed(secret)], Body, Id),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), Signed(next, secret)], Body, Id),
            ($"{next.Reveal()} {secret.Reveal()}", [Id, WebhookSignature.Text(now), Signed(secret)], Body, Id),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), $"v1a,abc {Signed(secret)}"], Body, Id),
            (next.Reveal(), [Id, WebhookSignature.Text(now), Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), ["another", WebhookSignature.Text(now), Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now.AddSeconds(1)), Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), Signed(secret)], [.. Body, (byte)' '], "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), "v1,책상"], Body, "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), ""], Body, "ValueError"),
            (secret.Reveal(), [Id, "soon", Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, "", Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, "٣", Signed(secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now.AddMinutes(-6)), WebhookSignature.Sign(Id, now.AddMinutes(-6), Body, secret)], Body, "ValueError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now.AddMinutes(6)), WebhookSignature.Sign(Id, now.AddMinutes(6), Body, secret)], Body, "ValueError"),
            (secret.Reveal(), [null, WebhookSignature.Text(now), Signed(secret)], Body, "KeyError"),
            (secret.Reveal(), [Id, null, Signed(secret)], Body, "KeyError"),
            (secret.Reveal(), [Id, WebhookSignature.Text(now), null], Body, "KeyError"),
        ];
        var names = new[] { WebhookHeaders.Id, WebhookHeaders.Timestamp, WebhookHeaders.Signature };

        var verdicts = await RunAsync(JsonSerializer.Serialize(cases.Select(one => new
        {
            secrets = one.Secrets,
            headers = names.Zip(one.Headers).Where(header => header.Second is not null).ToDictionary(header => header.First, header => header.Second),
            body = Convert.ToBase64String(one.Body),
        })));

        Assert.Equal(cases.Select(one => one.Verdict), verdicts);
    }

    private static async Task<string[]> RunAsync(string cases)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Snapshot.Root(), "docs", "desk.md"), DeskPlatform.Cancel);
        var from = page.IndexOf("```python\n", StringComparison.Ordinal) + "```python\n".Length;
        var snippet = page[from..page.IndexOf("```", from, StringComparison.Ordinal)];
        var program = snippet + """

            import json, sys
            for case in json.load(sys.stdin.buffer):
                try:
                    print(verify(case["secrets"], case["headers"], base64.b64decode(case["body"])))
                except (ValueError, KeyError) as refused:
                    print(type(refused).__name__)
            """;
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo("python3", ["-c", program]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });
        }
        catch (Win32Exception)
        {
            Assert.Skip("python3 is not installed");
        }

        using (process)
        {
            await process!.StandardInput.WriteAsync(cases);
            process.StandardInput.Close();
            var (said, complaints) = (process.StandardOutput.ReadToEndAsync(DeskPlatform.Cancel), process.StandardError.ReadToEndAsync(DeskPlatform.Cancel));
            await process.WaitForExitAsync(DeskPlatform.Cancel);
            Assert.True(process.ExitCode == 0, await complaints);
            return (await said).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
    }
}
