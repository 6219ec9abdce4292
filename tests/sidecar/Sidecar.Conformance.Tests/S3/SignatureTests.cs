using System.Net;
using S3Servers;
using TestKit;

namespace Sidecar.Conformance.Tests.S3;

/// <summary>That the signatures of the binding are good, and that the server which says so refuses bad ones.</summary>
public sealed class SignatureTests
{
    [Fact]
    public async Task Every_operation_is_signed_as_the_server_computes_it()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();

        await S3Run.InvokeAsync(binding, "create", "\"text\"", ("key", "a+b c/ü%.txt"), ("Content-Type", "text/plain; charset=utf-8"), ("tags", "kind=a b,x=1/2"));
        await S3Run.InvokeAsync(binding, "get", "", ("key", "a+b c/ü%.txt"));
        await S3Run.InvokeAsync(binding, "list", """{"prefix":"a+b c/","delimiter":"/","maxResults":3,"marker":"a &="}""");
        await S3Run.InvokeAsync(binding, "bulkDelete", """{"keys":["a+b c/ü%.txt","other"]}""");
        await S3Run.InvokeAsync(binding, "delete", "", ("key", "a"));

        Assert.Equal(5, run.Server.Requests);
        Assert.Empty(run.Server.Objects);
    }

    [Fact]
    public async Task A_session_token_is_sent_and_signed()
    {
        await using var run = await S3Run.StartAsync(sessionToken: "token/of+session==");
        var binding = await run.BindingAsync("sessionToken=token/of+session==");
        var without = await run.BindingAsync();

        await S3Run.InvokeAsync(binding, "create", "1", ("key", "a"));

        Assert.Contains("InvalidToken", await S3Run.FailAsync(without, "create", "1", ("key", "a")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secretKey=wrong", "SignatureDoesNotMatch")]
    [InlineData("accessKey=wrong", "InvalidAccessKeyId")]
    public async Task Wrong_credentials_are_refused_by_name_and_nothing_secret_is_said(string change, string code)
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync(change);

        var sentence = await S3Run.FailAsync(binding, "create", "1", ("key", "a"));

        Assert.Contains(code, sentence, StringComparison.Ordinal);
        Assert.Contains(run.Server.Address, sentence, StringComparison.Ordinal);
        Assert.Contains("metadata 'accessKey' and 'secretKey'", sentence, StringComparison.Ordinal);
        Assert.DoesNotContain(S3Server.SecretKey, sentence, StringComparison.Ordinal);
        Assert.Empty(run.Server.Objects);
    }

    [Fact]
    public async Task A_signed_address_serves_its_object_until_it_expires()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var run = await S3Run.StartAsync(clock);
        var binding = await run.BindingAsync();
        await S3Run.InvokeAsync(binding, "create", "\"text\"", ("key", "a b+c/ü.txt"));
        var address = S3Run.Json(await S3Run.InvokeAsync(binding, "presign", "", ("key", "a b+c/ü.txt"), ("presignTTL", "15m"))).GetProperty("presignURL").GetString()!;
        using var http = new HttpClient();

        Assert.Equal("text", await http.GetStringAsync(address));
        Assert.DoesNotContain(S3Server.SecretKey, address, StringComparison.Ordinal);

        clock.Advance(TimeSpan.FromMinutes(16));
        using var expired = await http.GetAsync(address);
        Assert.Equal(HttpStatusCode.Forbidden, expired.StatusCode);
        Assert.Contains("expired", await expired.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-Amz-Expires=900", "X-Amz-Expires=9000")]
    [InlineData("/a?", "/b?")]
    [InlineData("X-Amz-Signature=", "X-Amz-Signature=0")]
    [InlineData("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=")]
    public async Task A_changed_address_is_refused(string part, string changed)
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();
        await S3Run.InvokeAsync(binding, "create", "1", ("key", "a"));
        await S3Run.InvokeAsync(binding, "create", "1", ("key", "b"));
        var address = S3Run.Json(await S3Run.InvokeAsync(binding, "presign", "", ("key", "a"), ("presignTTL", "15m"))).GetProperty("presignURL").GetString()!;
        Assert.Contains(part, address, StringComparison.Ordinal);
        using var http = new HttpClient();

        using var answer = await http.GetAsync(address.Replace(part, changed, StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Fact]
    public async Task A_signed_address_is_of_get_alone()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();
        var address = S3Run.Json(await S3Run.InvokeAsync(binding, "presign", "", ("key", "a"), ("presignTTL", "15m"))).GetProperty("presignURL").GetString()!;
        using var http = new HttpClient();

        using var answer = await http.PutAsync(address, new StringContent("1"));

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Empty(run.Server.Objects);
    }

    /// <summary>The same request again, with one thing changed on its way: what a server with weaker checks would take.</summary>
    [Theory]
    [InlineData("body")]
    [InlineData("hash")]
    [InlineData("header")]
    [InlineData("unsigned header")]
    [InlineData("path")]
    [InlineData("date")]
    public async Task A_request_that_was_changed_on_its_way_is_refused(string change)
    {
        await using var run = await S3Run.StartAsync();
        await using var tap = await RequestTap.StartAsync(run.Server.Address);
        var binding = await run.BindingAsync($"endpoint={tap.Address}");
        await S3Run.InvokeAsync(binding, "create", "\"text\"", ("key", "a"), ("tags", "k=v"));
        run.Server.Objects.Clear();

        Assert.Equal(HttpStatusCode.OK, await tap.RepeatAsync(_ => { }));
        Assert.Equal("text", System.Text.Encoding.UTF8.GetString(run.Server.Objects["a"].Content));
        var status = await tap.RepeatAsync(request =>
        {
            switch (change)
            {
                case "body": request.Body = "xxxx"u8.ToArray(); break;
                case "hash": request.Body = []; request.Headers["x-amz-content-sha256"] = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData([])); break;
                case "header": request.Headers["x-amz-tagging"] = "k=w"; break;
                case "unsigned header": request.Headers["x-amz-acl"] = "public-read"; break;
                case "path": request.Target = "/" + S3Server.Bucket + "/other"; break;
                default: request.Headers["x-amz-date"] = "20200101T000000Z"; break;
            }
        });

        Assert.True(status is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, $"{status}");
        Assert.Equal(["a"], run.Server.Objects.Keys);
    }

    [Fact]
    public async Task A_request_that_is_repeated_too_late_is_refused()
    {
        var clock = new ManualTimeProvider(TimeProvider.System.GetUtcNow());
        await using var run = await S3Run.StartAsync(clock);
        await using var tap = await RequestTap.StartAsync(run.Server.Address);
        await S3Run.InvokeAsync(await run.BindingAsync($"endpoint={tap.Address}"), "create", "1", ("key", "a"));

        clock.Advance(TimeSpan.FromMinutes(16));

        Assert.Equal(HttpStatusCode.Forbidden, await tap.RepeatAsync(_ => { }));
    }
}
