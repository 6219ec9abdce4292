using Sidecar.Abstractions;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class BindingsOverHttp() : BindingSuite(HttpDoor.Open);

public sealed class BindingsOverGrpc() : BindingSuite(GrpcDoor.Open);

/// <summary>Output bindings (dapr-http §5, grpc §2.1).</summary>
public abstract class BindingSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    private const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun { Types = types => types.Add("bindings.echo", _ => new EchoBinding()) };
        run.Component("objects", "bindings.localstorage", "rootPath=objects").Component("echo", "bindings.echo");
        await run.AppAsync("app");
        return run;
    }

    [Fact]
    public async Task Objects_are_stored_read_listed_and_deleted()
    {
        Task<Answer> ObjectAsync(Door door, string operation, string fileName, string? data = null) =>
            door.InvokeBindingAsync("objects", operation, data, [("fileName", fileName)]);

        await ObjectAsync(Door, "create", "d/f", $"\"{Convert.ToBase64String("bytes"u8)}\"");

        Assert.Equal("bytes", (await ObjectAsync(Door, "get", "d/f")).Data);
        Assert.Contains("/d/f\"", (await ObjectAsync(Door, "list", "d")).Data, StringComparison.Ordinal);
        Assert.Empty((await ObjectAsync(Door, "delete", "d/f")).Data);
        await Door.FailsAsync(door => ObjectAsync(door, "get", "d/f"), "ERR_INVOKE_OUTPUT_BINDING", 500, GrpcStatusCode.Internal);
    }

    [Fact]
    public async Task Data_metadata_and_trace_context_reach_the_binding_and_its_own_come_back()
    {
        var answer = await Door.InvokeBindingAsync("echo", "say", """{"n":1}""", [("colour", "red")], TraceParent);

        Assert.Equal("""{"n":1}""", answer.Data);
        Assert.Equal(("red", TraceParent), (answer.Metadata["colour"], answer.Metadata["traceparent"]));
    }

    [Fact]
    public async Task The_callers_own_trace_metadata_wins() => Assert.Equal(
        "own", (await Door.InvokeBindingAsync("echo", "say", metadata: [("traceparent", "own")], traceParent: TraceParent)).Metadata["traceparent"]);

    [Fact]
    public async Task Errors_are_daprs()
    {
        Task FailsAsync(string binding, string operation, string message) => Door.FailsAsync(
            door => door.InvokeBindingAsync(binding, operation), "ERR_INVOKE_OUTPUT_BINDING", 500, GrpcStatusCode.Internal, message);

        await FailsAsync("nowhere", "say", "couldn't find output binding nowhere");
        await FailsAsync("echo", "", "operation field is missing from request");
        await FailsAsync("echo", "sing", "binding echo does not support operation sing. supported operations:say fail");
        await FailsAsync("echo", "fail", "error invoking output binding echo: out of order");
    }

    private sealed class EchoBinding : IOutputBinding
    {
        public IReadOnlyList<string> Operations => ["say", "fail"];

        public Task InitAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask<BindingResponse> InvokeAsync(BindingRequest request, CancellationToken cancellationToken) => request.Operation == "say"
            ? new(new BindingResponse(request.Data, request.Metadata))
            : throw new IOException("out of order");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
