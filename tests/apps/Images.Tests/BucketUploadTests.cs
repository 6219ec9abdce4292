using System.Diagnostics;
using System.Globalization;
using Contracts;
using Imaging;
using Microsoft.AspNetCore.WebUtilities;
using S3Servers;

namespace Images.Tests;

/// <summary>Uploads to signed addresses of a bucket, on the server that checks every signature.</summary>
public sealed class BucketUploadTests : UploadContract
{
    private protected override TestStorage NewStorage() => new BucketStorage();

    private static BucketStorage Bucket(ImagesPlatform platform) => (BucketStorage)platform.Storage;

    [Fact]
    public async Task The_address_says_what_is_signed_and_leads_to_the_quarantine()
    {
        await using var platform = await StartAsync();

        var asked = Stopwatch.GetTimestamp();
        var ticket = await platform.TicketAsync(Png);
        var elapsed = (int)Math.Ceiling(Stopwatch.GetElapsedTime(asked).TotalSeconds);

        Assert.Equal(["Content-Length", "Content-Type", "If-None-Match", "x-amz-checksum-sha256"], ticket.RequiredHeaders.Keys.Order(StringComparer.Ordinal));
        Assert.Equal($"/{S3Server.Bucket}/uploads/{ticket.Key}", ticket.UploadUrl.AbsolutePath);
        // Its end is set a moment before it is signed: what passes in between is missing from its time.
        var expires = QueryHelpers.ParseQuery(ticket.UploadUrl.Query)["X-Amz-Expires"].ToString();
        Assert.InRange(int.Parse(expires, CultureInfo.InvariantCulture), 900 - elapsed, 900);
        Assert.Contains("content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256", ticket.UploadUrl.Query, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.SecretKey, ticket.UploadUrl.ToString(), StringComparison.Ordinal);
        Assert.Equal($"http://localhost:8080/api/v1/images/{ticket.Key}", ticket.CdnUrl.ToString());
    }

    [Fact]
    public async Task The_server_refuses_whatever_was_not_signed()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        byte[] changed = [.. Png];
        changed[^1] ^= 1;
        var changedSum = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(changed));

        Assert.Equal(400, (await platform.PutAsync(ticket, changed)).Status);
        Assert.Equal(403, (await platform.PutAsync(ticket, changed, headers: ("x-amz-checksum-sha256", changedSum))).Status);
        Assert.Equal(403, (await platform.PutAsync(ticket, [.. Png, 0])).Status);
        Assert.Equal(403, (await platform.PutAsync(ticket, Png, headers: ("Content-Type", "text/html"))).Status);
        Assert.Equal(403, (await platform.PutAsync(ticket, Png, headers: ("If-None-Match", "\"x\""))).Status);
        Assert.Equal(403, (await platform.PutAsync(ticket with { UploadUrl = new(ticket.UploadUrl.ToString().Replace("/uploads/", "/", StringComparison.Ordinal)) }, Png)).Status);
        Assert.Empty(Bucket(platform).Server.Objects);

        Assert.Equal(200, (await platform.PutAsync(ticket, Png)).Status);
        Assert.Equal(412, (await platform.PutAsync(ticket, Png)).Status);
    }

    [Fact]
    public async Task An_address_expires()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);

        // The server's clock has stood since it was made; the address counts from when it was signed.
        Bucket(platform).Clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal(403, (await platform.PutAsync(ticket, Png)).Status);
        Assert.Empty(platform.Storage.Uploads);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_ticket_needs_length_and_checksum(bool length, bool checksum)
    {
        await using var platform = await StartAsync();

        Assert.Equal((400, "UPLOAD_NOT_ANNOUNCED"), await RefusedAsync(platform, new
        {
            filename = "a.png", content_type = "image/png", content_length = length ? Png.Length : (int?)null, checksum_sha256 = checksum ? ImagesPlatform.Hash(Png) : null,
        }));
    }

    [Fact]
    public async Task Images_itself_takes_no_upload_then()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);

        var ours = ticket with { UploadUrl = new Uri($"http://localhost:8080/api/v1/images/upload/{ticket.Key}") };

        Assert.Equal((404, "UPLOAD_NOT_FOUND"), await platform.PutAsync(ours, Png));
    }

    [Fact]
    public async Task Only_a_picture_of_the_announced_type_is_finished()
    {
        await using var platform = await StartAsync();
        var jpeg = JpegEncoder.Encode(Photos.Halves(40, 20));
        var page = "<html><script>alert(1)</script>"u8.ToArray();
        var (first, second) = (await platform.TicketAsync(jpeg), await platform.TicketAsync(page));
        await platform.PutAsync(first, jpeg);
        await platform.PutAsync(second, page);

        Assert.Equal((415, "UNSUPPORTED_IMAGE"), await platform.FinishAsync(first.Key, jpeg));
        Assert.Equal((415, "UNSUPPORTED_IMAGE"), await platform.FinishAsync(second.Key, page));

        Assert.Empty(platform.Storage.Objects);
    }

    [Theory]
    [InlineData("content")]
    [InlineData("type")]
    [InlineData("longer")]
    public async Task What_lies_there_in_another_way_than_signed_is_not_finished(string change)
    {
        await using var platform = await StartAsync();
        var ticket = await platform.TicketAsync(Png);
        await platform.PutAsync(ticket, Png);
        var objects = Bucket(platform).Server.Objects;
        var stored = objects[$"uploads/{ticket.Key}"];
        objects[$"uploads/{ticket.Key}"] = change switch
        {
            "content" => stored with { Content = Other, Checksum = null },
            "type" => stored with { ContentType = "image/jpeg" },
            _ => stored with { Content = [.. Png, 0] },
        };

        Assert.Equal((409, "UPLOAD_MISMATCH"), await platform.FinishAsync(ticket.Key, Png));

        Assert.Empty(platform.Storage.Objects);
    }

    [Fact]
    public async Task New_credentials_are_read_when_the_old_ones_are_refused()
    {
        await using var platform = await StartAsync();
        var before = await platform.TicketAsync(Png);
        Assert.Equal(200, (await platform.PutAsync(before, Png)).Status);
        platform.Dapr.Secrets["object-store"] = BucketStorage.Secret("a wrong one");
        platform.Dapr.Clock.Advance(TimeSpan.FromMinutes(6));

        Assert.Equal((503, "STORAGE_UNAVAILABLE"), await platform.FinishAsync(before.Key, Png));
        platform.Dapr.Secrets["object-store"] = BucketStorage.Secret(S3Server.SecretKey);

        Assert.Equal((200, null), await platform.FinishAsync(before.Key, Png));
        Assert.Contains(platform.Storage.Objects, key => key == before.Key);
    }

    [Fact]
    public async Task An_upload_that_comes_once_more_after_the_end_is_swept()
    {
        await using var platform = await StartAsync();
        await platform.SweepAsync();
        var ticket = await platform.UploadAsync(Png);
        Assert.Equal(200, (await platform.PutAsync(ticket, Png)).Status);

        platform.Dapr.Clock.Advance(TimeSpan.FromMinutes(80));
        await platform.SweepAsync();

        Assert.Empty(platform.Storage.Uploads);
        Assert.NotNull(await platform.GetAsync(ticket.Key));
    }

    [Fact]
    public async Task A_server_that_is_gone_is_a_problem_of_its_own()
    {
        await using var platform = await StartAsync();
        var ticket = await platform.UploadAsync(Png);
        Bucket(platform).Server.Elsewhere = (307, "http://127.0.0.1:1/");
        using var client = platform.Gateway();

        using var response = await client.GetAsync($"/api/v1/images/{ticket.Key}", Cancel);

        Assert.Equal((503, "STORAGE_UNAVAILABLE"), ((int)response.StatusCode, await ImagesPlatform.CodeAsync(response)));
    }
}
