using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Abstractions;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Runtime;
using TestKit;
using StateItem = Tandem.Protocol.Runtime.StateItem;
using Status = Tandem.Protocol.Runtime.Status;

namespace Sidecar.Api.Tests;

/// <summary>What is special about the gRPC API: bytes, statuses, deadlines, limits, lists of APIs.</summary>
public sealed class GrpcApiTests : IAsyncLifetime
{
    private const string Service = "/dapr.proto.runtime.v1.Dapr/";
    private const int MaxBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ManualTimeProvider _clock = new();
    private readonly WaitingBinding _binding = new();
    private TestRun _run = null!;
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        _run = new TestRun { Types = types => types.Add("bindings.waiting", _ => _binding) };
        _run.Component("store", "state.in-memory").Component("waiting", "bindings.waiting");
        await _run.AppAsync("app", app => app.MapGet("/large", () => Results.Bytes(new byte[MaxBytes + 1])));
        await _run.AppAsync("guarded", apiToken: "secret");
        await _run.StartAsync(_clock);
        _channel = GrpcDoor.Channel(_run);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _run.DisposeAsync();
    }

    [Fact]
    public async Task Values_are_any_bytes_and_HTTP_reads_what_is_no_JSON_as_base64()
    {
        byte[] bytes = [0, 1, 0xFF];
        await _channel.UnaryAsync(
            $"{Service}SaveState",
            new SaveStateRequest { StoreName = "store", States = { new StateItem { Key = "bytes", Value = ByteString.CopyFrom(bytes) }, new StateItem { Key = "empty" } } },
            Empty.Parser);

        Assert.Equal(bytes, (await GetAsync("bytes")).Data.ToByteArray());
        Assert.Empty((await GetAsync("empty")).Data);
        Assert.NotEmpty((await GetAsync("empty")).Etag);

        using var http = _run.Client();
        Assert.Equal(bytes, await http.GetByteArrayAsync("/v1.0/state/store/bytes"));
        using var bulk = await http.PostAsync("/v1.0/state/store/bulk", new StringContent("""{"keys":["bytes"]}"""));
        Assert.Contains("\"data\":\"AAH/\"", await bulk.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_keys_are_deleted_at_once()
    {
        var states = new[] { new StateItem { Key = "a" }, new StateItem { Key = "b" } };
        await _channel.UnaryAsync($"{Service}SaveState", new SaveStateRequest { StoreName = "store", States = { states } }, Empty.Parser);

        await _channel.UnaryAsync($"{Service}DeleteBulkState", new DeleteBulkStateRequest { StoreName = "store", States = { states } }, Empty.Parser);

        Assert.Empty((await GetAsync("a")).Etag + (await GetAsync("b")).Etag);
        states[0].Etag = new Etag { Value = "1" };
        var stale = await FailsAsync("DeleteBulkState", new DeleteBulkStateRequest { StoreName = "store", States = { states } });
        Assert.Equal((GrpcStatusCode.Aborted, "ERR_STATE_BULK_DELETE"), (stale.StatusCode, GrpcDoor.Info(stale)!.Reason));
    }

    [Fact]
    public async Task An_error_has_the_details_of_the_protocol()
    {
        var error = await FailsAsync("GetState", new GetStateRequest { StoreName = "nope", Key = "k" });

        var status = Status.Parser.ParseFrom(error.Trailers.GetBytes("grpc-status-details-bin"));
        Assert.Equal((3, "state store nope is not found"), (status.Code, status.Message));
        Assert.Equal(
            ["type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.ResourceInfo"], status.Details.Select(detail => detail.TypeUrl));
        var info = status.Details[0].Unpack<ErrorInfo>();
        Assert.Equal(("DAPR_STATE_NOT_FOUND", "dapr.io", "app"), (info.Reason, info.Domain, info.Metadata["appID"]));
        var resource = status.Details[1].Unpack<ResourceInfo>();
        Assert.Equal(("state", "nope"), (resource.ResourceType, resource.ResourceName));
    }

    [Fact]
    public async Task A_deadline_ends_the_call_and_what_it_runs()
    {
        // As a header only: the client has no deadline of its own.
        var call = FailsAsync(
            "InvokeBinding", new InvokeBindingRequest { Name = "waiting", Operation = "wait" },
            new GrpcCallOptions { Headers = [KeyValuePair.Create("grpc-timeout", "50m")] });
        await _binding.Entered.Task.WaitAsync(Patience);

        _clock.Advance(TimeSpan.FromMilliseconds(50));

        var error = await call.WaitAsync(Patience);
        Assert.Equal(GrpcStatusCode.DeadlineExceeded, error.StatusCode);
        await _binding.Cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_caller_that_goes_ends_what_it_has_begun()
    {
        using var cancel = new CancellationTokenSource();
        var call = _channel.UnaryAsync(
            $"{Service}InvokeBinding", new InvokeBindingRequest { Name = "waiting", Operation = "wait" }, InvokeBindingResponse.Parser, cancellationToken: cancel.Token);
        await _binding.Entered.Task.WaitAsync(Patience);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await _binding.Cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Messages_have_the_limit_of_bodies()
    {
        var request = await FailsAsync(
            "SaveState", new SaveStateRequest { StoreName = "store", States = { new StateItem { Key = "k", Value = ByteString.CopyFrom(new byte[MaxBytes]) } } });
        Assert.Equal(GrpcStatusCode.ResourceExhausted, request.StatusCode);

        var answer = await FailsAsync("InvokeService", new InvokeServiceRequest
        {
            Id = "app", Message = new InvokeRequest { Method = "large", HttpExtension = new HTTPExtension { Verb = HTTPExtension.Types.Verb.Get } },
        });
        Assert.Equal((GrpcStatusCode.ResourceExhausted, $"the answer of app is larger than {MaxBytes} bytes"), (answer.StatusCode, answer.Detail));

        using var http = _run.Client();
        var half = $"\"{new string('x', (MaxBytes / 2) + 1)}\"";
        foreach (var key in (string[])["one", "two"])
        {
            await http.PostAsync("/v1.0/state/store", new StringContent($$"""[{"key":"{{key}}","value":{{half}}}]"""));
        }

        var bulk = await FailsAsync("GetBulkState", new GetBulkStateRequest { StoreName = "store", Keys = { "one", "two" } });
        Assert.Equal(GrpcStatusCode.ResourceExhausted, bulk.StatusCode);
    }

    [Fact]
    public async Task The_token_is_asked_for()
    {
        using var without = GrpcDoor.Channel(_run, 1);
        using var wrong = GrpcDoor.Channel(_run, 1, "wrong");
        using var right = GrpcDoor.Channel(_run, 1, "secret");

        foreach (var channel in (GrpcChannel[])[without, wrong])
        {
            var error = await Assert.ThrowsAsync<GrpcException>(() =>
                channel.UnaryAsync($"{Service}GetMetadata", new GetMetadataRequest(), GetMetadataResponse.Parser));
            Assert.Equal((GrpcStatusCode.Unauthenticated, "invalid api token"), (error.StatusCode, error.Detail));
        }

        Assert.Equal("guarded", (await right.UnaryAsync($"{Service}GetMetadata", new GetMetadataRequest(), GetMetadataResponse.Parser)).Id);
    }

    [Theory]
    [InlineData("application/json", "", 415, null)]
    [InlineData("application/grpc", "", 200, "13")]
    [InlineData("application/grpc", "00 00 00", 200, "13")]
    [InlineData("application/grpc", "00 00 00 00 05 0A", 200, "13")]
    [InlineData("application/grpc", "00 00 00 00 02 0A 7F", 200, "13")]
    [InlineData("application/grpc+proto", "00 00 00 00 02 0A FF", 200, "13")]
    [InlineData("application/grpc", "00 00 00 00 03 0A 01 FF", 200, "3")]
    [InlineData("application/grpc", "01 00 00 00 00", 200, "12")]
    [InlineData("application/grpc", "00 FF FF FF FF", 200, "8")]
    public async Task Bytes_that_are_no_call_get_a_clean_end(string contentType, string body, int status, string? grpcStatus)
    {
        using var response = await PostAsync($"{Service}GetState", contentType, Convert.FromHexString(body.Replace(" ", "", StringComparison.Ordinal)));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(grpcStatus, response.Headers.TryGetValues("grpc-status", out var values) ? values.Single() : null);
        Assert.NotNull(await GetAsync("still there"));
    }

    [Fact]
    public async Task The_HTTP_API_is_not_on_the_gRPC_port()
    {
        using var response = await PostAsync("/v1.0/state/store", "application/grpc", "[]"u8.ToArray());

        Assert.Equal("12", response.Headers.GetValues("grpc-status").Single());
    }

    [Theory]
    [InlineData("allowed: [{name: state, version: v1, protocol: grpc}]", "GetState")]
    [InlineData("denied: [{name: state, version: v1, protocol: grpc}]", "GetMetadata BulkPublishEvent BulkPublishEventAlpha1")]
    [InlineData("denied: [{name: publish, version: v1alpha1, protocol: grpc}]", "GetState GetMetadata BulkPublishEvent")]
    [InlineData("allowed: [{name: publish, version: v1, protocol: grpc}, {name: metadata, version: v1.0, protocol: grpc}]", "GetMetadata BulkPublishEvent")]
    [InlineData("allowed: [{name: secrets, version: v1}], denied: [{name: state, version: v1, protocol: http}]", "GetState GetMetadata BulkPublishEvent BulkPublishEventAlpha1")]
    public async Task Only_the_apis_of_the_lists_are_there(string api, string allowed)
    {
        await using var run = new TestRun().Component("store", "state.in-memory").Component("bus", "pubsub.in-memory")
            .Yaml("c.yaml", $"apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: c}}\nspec: {{api: {{{api}}}}}\n");
        await run.AppAsync("app", configuration: "c.yaml");
        await run.StartAsync();
        using var channel = GrpcDoor.Channel(run);
        var publish = new BulkPublishRequest { PubsubName = "bus", Topic = "t" };

        await SeesAsync("GetState", new GetStateRequest { StoreName = "store", Key = "k" });
        await SeesAsync("GetMetadata", new GetMetadataRequest());
        await SeesAsync("BulkPublishEvent", publish);
        await SeesAsync("BulkPublishEventAlpha1", publish);

        async Task SeesAsync<TRequest>(string method, TRequest request) where TRequest : class, IMessage<TRequest>
        {
            var call = channel.UnaryAsync(Service + method, request, Empty.Parser);
            if (allowed.Split(' ').Contains(method))
            {
                await call;
                return;
            }

            var error = await Assert.ThrowsAsync<GrpcException>(() => call);
            Assert.Equal(
                (GrpcStatusCode.Unimplemented, "requested endpoint is not available"), (error.StatusCode, GrpcDoor.Info(error)!.Metadata["http.error_message"]));
        }
    }

    [Theory]
    [InlineData(HTTPExtension.Types.Verb.None, "invalid HTTP verb")]
    [InlineData(HTTPExtension.Types.Verb.Connect, "invalid HTTP verb")]
    [InlineData(null, "missing HTTP extension field: the embedded sidecar invokes apps over HTTP")]
    public async Task An_invocation_says_its_verb(HTTPExtension.Types.Verb? verb, string message)
    {
        var extension = verb is { } given ? new HTTPExtension { Verb = given } : null;
        var error = await FailsAsync("InvokeService", new InvokeServiceRequest { Id = "app", Message = new InvokeRequest { Method = "x", HttpExtension = extension } });

        Assert.Equal((GrpcStatusCode.InvalidArgument, message), (error.StatusCode, error.Detail));
    }

    [Fact]
    public async Task An_invocation_needs_a_target()
    {
        var error = await FailsAsync("InvokeService", new InvokeServiceRequest());

        Assert.Equal((GrpcStatusCode.NotFound, "ERR_DIRECT_INVOKE"), (error.StatusCode, GrpcDoor.Info(error)!.Reason));
    }

    [Theory]
    [InlineData("AAAK92UZFs1D3YRI6yEcgDGcAbeta3FpIDMxAgE=", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("AAAK92UZFs1D3YRI6yEcgDGcAbeta3FpIDMxAgE", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("AAAA", null)]
    [InlineData("not base64!", null)]
    public async Task Binary_trace_context_is_passed_on(string binary, string? traceParent)
    {
        var response = await _channel.UnaryAsync(
            $"{Service}InvokeBinding", new InvokeBindingRequest { Name = "waiting", Operation = "echo" }, InvokeBindingResponse.Parser,
            new GrpcCallOptions { Headers = [KeyValuePair.Create("grpc-trace-bin", binary)] });

        Assert.Equal(traceParent, response.Metadata.GetValueOrDefault("traceparent"));
    }

    private Task<GetStateResponse> GetAsync(string key) =>
        _channel.UnaryAsync($"{Service}GetState", new GetStateRequest { StoreName = "store", Key = key }, GetStateResponse.Parser);

    private async Task<GrpcException> FailsAsync<TRequest>(string method, TRequest request, GrpcCallOptions options = default) where TRequest : class, IMessage<TRequest> =>
        await Assert.ThrowsAsync<GrpcException>(() => _channel.UnaryAsync(Service + method, request, Empty.Parser, options));

    private async Task<HttpResponseMessage> PostAsync(string path, string contentType, byte[] body)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://127.0.0.1:{_run.Sidecar.Instances[0].GrpcPort}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } },
        };
        return await http.SendAsync(request);
    }

    /// <summary>Waits until the call is given up.</summary>
    private sealed class WaitingBinding : IOutputBinding
    {
        public TaskCompletionSource Entered { get; } = new();

        public TaskCompletionSource Cancelled { get; } = new();

        public IReadOnlyList<string> Operations => ["wait", "echo"];

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken)
        {
            if (request.Operation == "echo")
            {
                return new BindingResponse(null, request.Metadata);
            }

            Entered.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return BindingResponse.Empty;
            }
            finally
            {
                Cancelled.TrySetResult();
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
