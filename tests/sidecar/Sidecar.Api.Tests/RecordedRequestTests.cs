using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tandem.Protocol.Runtime;

namespace Sidecar.Api.Tests;

/// <summary>
/// What the official .NET SDK sends, byte by byte (sdk §3, §4, §6.2): headers as its gRPC stack has them, messages as hexadecimal bytes that no
/// code of this repository has made, and the HTTP forms of invocation and actors.
/// </summary>
public sealed class RecordedRequestTests : IAsyncLifetime
{
    private const string Token = "secret";
    private const string UserAgent = "grpc-dotnet/2.71.0 (.NET 9.0.4; CLR 9.0.4; net9.0; linux; x64) dapr-sdk-dotnet/v1.18.0";

    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true").Component("bus", "pubsub.in-memory")
        .Component("vault", "secretstores.local.file", "secretsFile=secrets.json").Component("locks", "lock.tandem").Yaml("secrets.json", """{"door":"4711"}""");

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync(
            "app",
            app =>
            {
                app.MapGet("/dapr/config", () => Results.Text("""{"entities":["CounterActor"],"reentrancy":{"enabled":false}}""", "application/json"));
                app.MapPut("/actors/{type}/{id}/method/{method}", (HttpContext http, string method) =>
                {
                    if (method == "Fail")
                    {
                        http.Response.Headers["X-DaprErrorResponseHeader"] = "<ActorResponseHeader/>";
                        return Results.Bytes([1, 2, 3], "application/octet-stream");
                    }

                    return Results.Text($"{http.Request.ContentType}|{http.Request.Headers["X-DaprRequestHeader"]}|{http.Request.ContentLength}", "application/json");
                });
                app.Map("/{**path}", (HttpRequest request) => $"{request.Method} {request.Path}{request.QueryString}");
            },
            apiToken: Token);
        await _run.StartAsync();
        await TestRun.Eventually(() => _run.Sidecar.Actors(_run.Sidecar.Apps[0]).Active is not null);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _run.DisposeAsync();
    }

    [Fact]
    public async Task SaveState_then_GetState_of_a_value()
    {
        // {"storeName":"store","states":[{"key":"k","value":{"id":"1","qty":2}}]}
        var saved = await CallAsync("SaveState", "0A 05 73746F7265 12 17 0A 01 6B 12 12 7B226964223A2231222C22717479223A327D");
        Assert.Equal(("0", ""), (saved.Status, saved.Message));

        var got = await CallAsync("GetState", "0A 05 73746F7265 12 01 6B");
        var message = GetStateResponse.Parser.ParseFrom(got.Body);
        Assert.Equal("""{"id":"1","qty":2}""", message.Data.ToStringUtf8());
        Assert.NotEmpty(message.Etag);
    }

    [Fact]
    public async Task TrySaveState_with_a_stale_etag_is_ABORTED()
    {
        // … "etag":{"value":"999999"},"options":{"concurrency":CONCURRENCY_FIRST_WRITE}
        var stale = await CallAsync("SaveState", "0A 05 73746F7265 12 15 0A 01 74 12 02 3332 1A 08 0A 06 393939393939 2A 02 08 01");

        Assert.Equal("10", stale.Status);
    }

    [Fact]
    public async Task GetBulkState_DeleteState_and_a_transaction()
    {
        // storeName, operations [{"upsert", {key "t", value 1}}, {"delete", {key "u"}}]
        Assert.Equal("0", (await CallAsync(
            "ExecuteStateTransaction", "0A 05 73746F7265 12 10 0A 06 757073657274 12 06 0A 01 74 12 01 31 12 0D 0A 06 64656C657465 12 03 0A 01 75")).Status);
        var bulk = GetBulkStateResponse.Parser.ParseFrom((await CallAsync("GetBulkState", "0A 05 73746F7265 12 01 74 12 01 75")).Body);
        Assert.Equal(["t", "u"], bulk.Items.Select(item => item.Key));
        Assert.Equal(["1", ""], bulk.Items.Select(item => item.Data.ToStringUtf8()));
        Assert.Equal("0", (await CallAsync("DeleteState", "0A 05 73746F7265 12 01 74")).Status);
        Assert.Empty(GetStateResponse.Parser.ParseFrom((await CallAsync("GetState", "0A 05 73746F7265 12 01 74")).Body).Etag);
    }

    [Fact]
    public async Task PublishEvent_of_an_object_and_without_data()
    {
        Assert.Equal("0", (await CallAsync("PublishEvent", "0A 03 627573 12 01 74 1A 07 7B226E223A317D 22 10 6170706C69636174696F6E2F6A736F6E")).Status);
        Assert.Equal("0", (await CallAsync("PublishEvent", "0A 03 627573 12 01 74")).Status);
    }

    [Fact]
    public async Task BulkPublishEvent_after_the_question_for_the_service()
    {
        // Asked without a token and answered by an error, as by daprd without reflection: the SDK goes on with the stable method.
        using var reflection = await SendAsync("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "22 0B 646170722E70726F746F2E", token: null);
        Assert.NotEqual("0", reflection.Headers.GetValues("grpc-status").Single());

        // entries [{"0", "\"a\"", application/json, metadata}], request metadata
        var published = await CallAsync(
            "BulkPublishEvent",
            "0A 03 627573 12 01 74 1A 22 0A 01 30 12 03 226122 1A 10 6170706C69636174696F6E2F6A736F6E 22 06 0A 01 61 12 01 62 22 06 0A 01 61 12 01 62");
        Assert.Equal("0", published.Status);
        Assert.Empty(BulkPublishResponse.Parser.ParseFrom(published.Body).FailedEntries);
    }

    [Fact]
    public async Task Secrets_locks_and_metadata()
    {
        Assert.Equal("4711", GetSecretResponse.Parser.ParseFrom((await CallAsync("GetSecret", "0A 05 7661756C74 12 04 646F6F72")).Body).Data["door"]);
        Assert.True(TryLockResponse.Parser.ParseFrom((await CallAsync("TryLockAlpha1", "0A 05 6C6F636B73 12 01 72 1A 01 6F 20 0A")).Body).Success);
        Assert.Equal(0, (int)UnlockResponse.Parser.ParseFrom((await CallAsync("UnlockAlpha1", "0A 05 6C6F636B73 12 01 72 1A 01 6F")).Body).Status);
        Assert.Equal("0", (await CallAsync("SetMetadata", "0A 01 6B 12 01 76")).Status);
        var metadata = GetMetadataResponse.Parser.ParseFrom((await CallAsync("GetMetadata", "")).Body);
        Assert.Equal(("app", "v"), (metadata.Id, metadata.ExtendedMetadata["k"]));
    }

    [Fact]
    public async Task SaveBulkState_sends_no_token_and_is_refused()
    {
        using var response = await SendAsync("/dapr.proto.runtime.v1.Dapr/SaveState", "0A 05 73746F7265 12 06 0A 01 6B 12 01 31", token: null);

        Assert.Equal(("16", "application/grpc"), (response.Headers.GetValues("grpc-status").Single(), response.Content.Headers.ContentType!.ToString()));
    }

    [Fact]
    public async Task The_health_that_WaitForSidecar_polls()
    {
        using var health = await _http.GetAsync(Http("/v1.0/healthz"));
        using var outbound = await _http.GetAsync(Http("/v1.0/healthz/outbound"));

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (health.StatusCode, outbound.StatusCode));
    }

    [Theory]
    [InlineData("GET", "/v1.0/invoke/app/method/orders/7?expand=true", "GET /orders/7?expand=true")]
    [InlineData("POST", "/v1.0/invoke/app/method/orders?", "POST /orders")]
    [InlineData("PUT", "//v1.0/invoke/app/method//orders", "PUT /orders")]
    public async Task Invocation_by_URL(string verb, string target, string expected)
    {
        using var response = await HttpAsync(verb, target, verb == "GET" ? null : "{}"u8.ToArray(), "application/json; charset=utf-8");

        Assert.Equal(expected, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_call_of_an_actor_weakly_typed()
    {
        using var response = await HttpAsync("PUT", "//v1.0/actors/CounterActor/a1/method/Add", "3"u8.ToArray(), "application/json; charset=utf-8");

        Assert.Equal("application/json; charset=utf-8||1", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_call_of_an_actor_by_remoting_and_its_error()
    {
        const string Header = """<z:anyType xmlns:z="urn:z" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:a="urn:actors" i:type="a:ActorHeader"><MethodId>7</MethodId></z:anyType>""";
        using var answer = await HttpAsync("PUT", "//v1.0/actors/CounterActor/a1/method/Add", [0x40, 1], "application/octet-stream; charset=utf-8", ("X-DaprRequestHeader", Header));
        Assert.Equal($"application/octet-stream; charset=utf-8|{Header}|2", await answer.Content.ReadAsStringAsync());

        using var error = await HttpAsync("PUT", "//v1.0/actors/CounterActor/a1/method/Fail", [0x40, 1], "application/octet-stream; charset=utf-8", ("X-DaprRequestHeader", Header));
        Assert.Equal((HttpStatusCode.OK, "<ActorResponseHeader/>"), (error.StatusCode, error.Headers.GetValues("X-DaprErrorResponseHeader").Single()));
        Assert.Equal([1, 2, 3], await error.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task State_of_an_actor_as_plain_text()
    {
        (await HttpAsync("PUT", "//v1.0/actors/CounterActor/a1/method/Add", null, null)).Dispose();

        using var saved = await HttpAsync(
            "PUT", "//v1.0/actors/CounterActor/a1/state",
            Encoding.UTF8.GetBytes("""[{"operation":"upsert","request":{"key":"n","value":3,"metadata":{"ttlInSeconds":"50"}}},{"operation":"delete","request":{"key":"x"}}]"""),
            "text/plain; charset=utf-8");
        using var read = await HttpAsync("GET", "//v1.0/actors/CounterActor/a1/state/n", null, null);

        Assert.Equal((HttpStatusCode.NoContent, "3"), (saved.StatusCode, await read.Content.ReadAsStringAsync()));
        Assert.True(DateTimeOffset.TryParse(read.Headers.GetValues("Metadata.ttlExpireTime").Single(), CultureInfo.InvariantCulture, out _));
    }

    private async Task<(string Status, string Message, byte[] Body)> CallAsync(string method, string message)
    {
        using var response = await SendAsync($"/dapr.proto.runtime.v1.Dapr/{method}", message, Token);
        var body = await response.Content.ReadAsByteArrayAsync();
        var trailers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        return (
            trailers.GetValues("grpc-status").Single(), trailers.TryGetValues("grpc-message", out var text) ? text.Single() : "",
            body.Length == 0 ? [] : Unframe(body));
    }

    private static byte[] Unframe(byte[] frame)
    {
        Assert.Equal(0, frame[0]);
        Assert.Equal(frame.Length - 5, System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(frame.AsSpan(1)));
        return frame[5..];
    }

    private Task<HttpResponseMessage> SendAsync(string path, string message, string? token)
    {
        var bytes = Convert.FromHexString(message.Replace(" ", "", StringComparison.Ordinal));
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{_run.Sidecar.Instances[0].GrpcPort}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            // No length: the stack streams the message.
            Content = new StreamContent(new MemoryStream([0, .. BitConverter.GetBytes(IPAddress.HostToNetworkOrder(bytes.Length)), .. bytes])),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TryAddWithoutValidation("User-Agent", UserAgent);
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        request.Headers.TryAddWithoutValidation("grpc-accept-encoding", "identity,gzip,deflate");
        request.Headers.TryAddWithoutValidation("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        request.Headers.TryAddWithoutValidation("grpc-trace-bin", "AAAK92UZFs1D3YRI6yEcgDGcAbeta3FpIDMxAgE");
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("dapr-api-token", token);
        }

        return _http.SendAsync(request);
    }

    private Task<HttpResponseMessage> HttpAsync(string verb, string target, byte[]? body, string? contentType, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(new HttpMethod(verb), Http(target)) { Content = body is null ? null : new ByteArrayContent(body) };
        request.Headers.TryAddWithoutValidation("dapr-api-token", Token);
        if (contentType is not null && request.Content is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return _http.SendAsync(request);
    }

    /// <summary>As it is sent: doubled slashes and a bare question mark stay.</summary>
    private Uri Http(string target) =>
        new($"http://127.0.0.1:{_run.Sidecar.Instances[0].HttpPort}{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
}
