using System.Net;
using System.Net.Sockets;
using System.Text;
using S3Servers;
using Sidecar.Abstractions;

namespace Sidecar.Conformance.Tests.S3;

/// <summary><c>bindings.aws.s3</c> beyond what every object binding does (config §10.1).</summary>
public sealed class S3BindingTests
{
    [Fact]
    public async Task Create_answers_where_the_object_is_and_a_signed_address_when_asked()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();

        var answer = await S3Run.InvokeAsync(
            binding, "create", "\"text\"", ("key", "a/b c"), ("presignTTL", "1h"), ("storageClass", "STANDARD_IA"), ("tags", "k=v, k2=v 2"), ("Content-Type", "text/csv"));

        Assert.Equal($"{run.Server.Address}/{S3Server.Bucket}/a/b%20c", S3Run.Json(answer).GetProperty("location").GetString());
        Assert.True(S3Run.Json(answer).TryGetProperty("versionID", out _));
        Assert.Equal("a/b c", answer.Metadata["key"]);
        var stored = run.Server.Objects["a/b c"];
        Assert.Equal(("text/csv", "STANDARD_IA", "k=v&k2=v%202"), (stored.ContentType, stored.StorageClass, stored.Tags));
        using var http = new HttpClient();
        Assert.Equal("text", await http.GetStringAsync(S3Run.Json(answer).GetProperty("presignURL").GetString()));
    }

    [Fact]
    public async Task Base64_is_decoded_and_encoded_as_component_or_request_says()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync("decodeBase64=true;encodeBase64=true");

        await S3Run.InvokeAsync(binding, "create", "\"AAH/\"", ("key", "decoded"));
        await S3Run.InvokeAsync(binding, "create", "\"AAH/\"", ("key", "as it is"), ("decodeBase64", "false"));

        Assert.Equal([0, 1, 255], run.Server.Objects["decoded"].Content);
        Assert.Equal("AAH/", Encoding.ASCII.GetString(run.Server.Objects["as it is"].Content));
        Assert.Equal("AAH/", Encoding.ASCII.GetString((await S3Run.InvokeAsync(binding, "get", "", ("key", "decoded"))).Data!.Value.Span));
        Assert.Equal([0, 1, 255], (await S3Run.InvokeAsync(binding, "get", "", ("key", "decoded"), ("encodeBase64", "false"))).Data!.Value.ToArray());
        Assert.Contains("base64", await S3Run.FailAsync(binding, "create", "\"no base64!\"", ("key", "k")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_goes_on_after_its_marker_and_folds_folders()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();
        foreach (var key in new[] { "a/1", "a/2", "b", "c" })
        {
            await S3Run.InvokeAsync(binding, "create", "\"12\"", ("key", key));
        }

        var first = S3Run.Json(await S3Run.InvokeAsync(binding, "list", """{"maxResults":2,"delimiter":"/"}"""));
        var second = S3Run.Json(await S3Run.InvokeAsync(binding, "list", $$"""{"marker":"{{first.GetProperty("NextMarker").GetString()}}"}"""));

        Assert.True(first.GetProperty("IsTruncated").GetBoolean());
        Assert.Equal("a/", Assert.Single(first.GetProperty("CommonPrefixes").EnumerateArray()).GetProperty("Prefix").GetString());
        Assert.Equal("c", Assert.Single(second.GetProperty("Contents").EnumerateArray()).GetProperty("Key").GetString());
        var entry = first.GetProperty("Contents")[0];
        Assert.Equal(("b", 2, "STANDARD"), (entry.GetProperty("Key").GetString(), entry.GetProperty("Size").GetInt32(), entry.GetProperty("StorageClass").GetString()));
        Assert.StartsWith("2026-01-02T03:04:05", entry.GetProperty("LastModified").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("\"", entry.GetProperty("ETag").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bulk_items_succeed_and_fail_each_for_itself()
    {
        await using var run = await S3Run.StartAsync();
        run.Server.Protected.Add("kept");
        var binding = await run.BindingAsync();

        var created = S3Run.Json(await S3Run.InvokeAsync(
            binding, "bulkCreate", """{"items":[{"key":"a","data":"1","contentType":"text/plain"},{"key":"kept","data":"2"},{"key":"b"},{"data":"3"},null],"concurrency":2}"""));
        var got = S3Run.Json(await S3Run.InvokeAsync(binding, "bulkGet", """{"items":[{"key":"a"},{"key":"missing"}]}"""));
        var deleted = S3Run.Json(await S3Run.InvokeAsync(binding, "bulkDelete", """{"keys":["a","kept","a"," ","missing"]}"""));

        Assert.Equal(["", "", "either data or filePath is required", "key is required", "key is required"], created.EnumerateArray().Select(Error));
        Assert.Equal("1", got[0].GetProperty("data").GetString());
        Assert.Equal("object not found", Error(got[1]));
        Assert.Equal(["", "AccessDenied: Access Denied", "", "key is required", ""], deleted.EnumerateArray().Select(Error));
        Assert.Equal(["kept"], run.Server.Objects.Keys);
    }

    [Theory]
    [InlineData("bulkGet", """{"items":[]}""", "at least one item")]
    [InlineData("bulkCreate", "{}", "at least one item")]
    [InlineData("bulkDelete", "", "at least one key")]
    [InlineData("bulkGet", """{"items":[{"key":"a"}],"concurrency":0}""", "concurrency")]
    [InlineData("bulkGet", """{"items":7}""", "not the JSON")]
    [InlineData("list", "null", "null")]
    [InlineData("list", "{", "not the JSON")]
    public async Task Data_of_another_shape_is_refused(string operation, string data, string reason)
    {
        await using var run = await S3Run.StartAsync();

        Assert.Contains(reason, await S3Run.FailAsync(await run.BindingAsync(), operation, data), StringComparison.Ordinal);
        Assert.Equal(0, run.Server.Requests);
    }

    [Fact]
    public async Task Files_are_read_and_written_below_the_root_path_alone()
    {
        await using var run = await S3Run.StartAsync();
        var files = Directory.CreateDirectory(Path.Combine(run.Folder, "files")).FullName;
        await File.WriteAllTextAsync(Path.Combine(files, "in.txt"), "inside");
        await File.WriteAllTextAsync(Path.Combine(run.Folder, "secret.txt"), "secret");
        File.CreateSymbolicLink(Path.Combine(files, "link.txt"), Path.Combine(run.Folder, "secret.txt"));
        var binding = await run.BindingAsync("rootPath=files");

        await S3Run.InvokeAsync(binding, "create", "", ("key", "a"), ("filePath", "in.txt"));
        await S3Run.InvokeAsync(binding, "bulkGet", """{"items":[{"key":"a","filePath":"new/out.txt"}]}""");

        Assert.Equal("inside", await File.ReadAllTextAsync(Path.Combine(files, "new", "out.txt")));
        foreach (var name in new[] { "../secret.txt", "link.txt", "new/../../secret.txt" })
        {
            Assert.Contains("filePath leads", await S3Run.FailAsync(binding, "create", "", ("key", "b"), ("filePath", name)), StringComparison.Ordinal);
            Assert.Contains("filePath leads", Error(S3Run.Json(await S3Run.InvokeAsync(
                binding, "bulkGet", $$"""{"items":[{"key":"a","filePath":"{{name}}"}]}"""))[0]), StringComparison.Ordinal);
        }

        Assert.Contains("cannot be read", await S3Run.FailAsync(binding, "create", "", ("key", "b"), ("filePath", "none.txt")), StringComparison.Ordinal);
        Assert.Equal("secret", await File.ReadAllTextAsync(Path.Combine(run.Folder, "secret.txt")));
        Assert.Equal(["a"], run.Server.Objects.Keys);
    }

    [Fact]
    public async Task Without_a_root_path_a_request_names_no_file()
    {
        await using var run = await S3Run.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(run.Folder, "own.txt"), "own");

        Assert.Contains("rootPath", await S3Run.FailAsync(await run.BindingAsync(), "create", "", ("key", "a"), ("filePath", "own.txt")), StringComparison.Ordinal);
        await S3Run.InvokeAsync(await run.BindingAsync("filePath=own.txt"), "create", "", ("key", "a"));

        Assert.Equal("own", Encoding.UTF8.GetString(run.Server.Objects["a"].Content));
    }

    [Theory]
    [InlineData("presign", "presignTTL")]
    [InlineData("presign", "presignTTL", "0s")]
    [InlineData("presign", "presignTTL", "200h")]
    [InlineData("presign", "presignTTL", "soon")]
    [InlineData("create", "tags", "no equals sign")]
    [InlineData("create", "decodeBase64", "perhaps")]
    public async Task Request_metadata_that_cannot_be_meant_is_refused_by_name(string operation, string name, string? value = null)
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync();

        Assert.Contains(name, await S3Run.FailAsync(binding, operation, "1", value is null ? [("key", "a")] : [("key", "a"), (name, value)]), StringComparison.Ordinal);
        Assert.Equal(0, run.Server.Requests);
    }

    [Theory]
    [InlineData("bucket=", "bucket")]
    [InlineData("secretKey=", "needed together")]
    [InlineData("assumeRoleArn=arn:aws:iam::1:role/r", "assumeRoleArn")]
    [InlineData("trustAnchorArn=arn", "trustAnchorArn")]
    [InlineData("endpoint=ftp://host", "endpoint")]
    [InlineData("forcePathStyle=maybe", "forcePathStyle")]
    [InlineData("timeout=0s", "timeout")]
    [InlineData("presignTTL=never", "presignTTL")]
    [InlineData("rootPath=/etc", "rootPath")]
    public async Task Metadata_that_cannot_be_meant_stops_the_start(string change, string name)
    {
        await using var run = await S3Run.StartAsync();

        var refused = await Assert.ThrowsAsync<ComponentException>(() => run.BindingAsync(change));

        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_address_without_a_scheme_is_https_unless_ssl_is_disabled()
    {
        await using var run = await S3Run.StartAsync();
        var host = new Uri(run.Server.Address).Authority;

        await S3Run.InvokeAsync(await run.BindingAsync($"endpoint={host};disableSSL=true"), "create", "1", ("key", "a"));

        Assert.Contains($"https://{host}", await S3Run.FailAsync(await run.BindingAsync($"endpoint={host};timeout=20s"), "create", "1", ("key", "a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_of_nobody_is_taken_with_insecure_ssl_alone()
    {
        await using var run = await S3Run.StartAsync(tls: true);

        await S3Run.InvokeAsync(await run.BindingAsync("insecureSSL=true"), "create", "1", ("key", "a"));

        Assert.Contains("cannot be reached", await S3Run.FailAsync(await run.BindingAsync(), "get", "", ("key", "a")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Credentials_come_from_the_environment_where_metadata_has_none()
    {
        await using var run = await S3Run.StartAsync();
        var names = new[] { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED", "AWS_SHARED_CREDENTIALS_FILE" };
        var before = names.Select(Environment.GetEnvironmentVariable).ToArray();
        try
        {
            Array.ForEach(names, name => Environment.SetEnvironmentVariable(name, null));
            Environment.SetEnvironmentVariable("AWS_EC2_METADATA_DISABLED", "true");
            Environment.SetEnvironmentVariable("AWS_SHARED_CREDENTIALS_FILE", Path.Combine(run.Folder, "none"));
            var missing = await S3Run.FailAsync(await run.BindingAsync("accessKey=;secretKey="), "create", "1", ("key", "a"));

            Environment.SetEnvironmentVariable("AWS_ACCESS_KEY_ID", S3Server.AccessKey);
            Environment.SetEnvironmentVariable("AWS_SECRET_ACCESS_KEY", S3Server.SecretKey);
            await S3Run.InvokeAsync(await run.BindingAsync("accessKey=;secretKey="), "create", "1", ("key", "a"));

            Assert.StartsWith($"there are no credentials for {run.Server.Address}: set metadata 'accessKey'", missing, StringComparison.Ordinal);
            Assert.Equal(["a"], run.Server.Objects.Keys);
        }
        finally
        {
            foreach (var (name, value) in names.Zip(before))
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }

    [Fact]
    public async Task A_wrong_bucket_is_named_with_what_to_do()
    {
        await using var run = await S3Run.StartAsync();
        var binding = await run.BindingAsync("bucket=other");

        Assert.All(
            [await S3Run.FailAsync(binding, "create", "1", ("key", "a")), await S3Run.FailAsync(binding, "get", "", ("key", "a")), await S3Run.FailAsync(binding, "list")],
            sentence => Assert.Equal($"bucket 'other' does not exist at {run.Server.Address}: create it, or change metadata 'bucket'", sentence));
    }

    [Theory]
    [InlineData(301)]
    [InlineData(307)]
    public async Task A_redirect_to_another_server_is_not_followed_and_is_said(int status)
    {
        await using var run = await S3Run.StartAsync();
        await using var elsewhere = await S3Run.StartAsync();
        run.Server.Elsewhere = (status, $"{elsewhere.Server.Address}/{S3Server.Bucket}/a");

        Assert.Contains("elsewhere", await S3Run.FailAsync(await run.BindingAsync(), "create", "1", ("key", "a")), StringComparison.Ordinal);
        Assert.Equal(0, elsewhere.Server.Requests);
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers_ends_at_the_timeout()
    {
        await using var run = await S3Run.StartAsync();
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var binding = await run.BindingAsync($"endpoint=http://{silent.LocalEndpoint};timeout=300ms");

        var sentence = await S3Run.FailAsync(binding, "get", "", ("key", "a"));

        Assert.Contains($"no answer from http://{silent.LocalEndpoint}", sentence, StringComparison.Ordinal);
        Assert.Contains("'timeout'", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_where_nothing_listens_is_said()
    {
        await using var run = await S3Run.StartAsync();
        // Bound, so that nobody else gets the port, and not listening.
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var free = bound.LocalEndPoint;

        Assert.Contains($"http://{free} cannot be reached", await S3Run.FailAsync(await run.BindingAsync($"endpoint=http://{free}"), "get", "", ("key", "a")), StringComparison.Ordinal);
    }

    private static string Error(System.Text.Json.JsonElement item) => item.TryGetProperty("error", out var error) ? error.GetString()! : "";
}
