using Dapr.Workflow.Serialization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;
using TestKit;
using Wire = Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Tests;

public sealed class DaprWorkflowClientTests
{
    private static readonly DateTime At = new(2026, 5, 6, 7, 8, 9, DateTimeKind.Utc);

    [Fact]
    public async Task Schedules_with_id_input_and_start_time()
    {
        CreateInstanceRequest? seen = null;
        await using var worker = await StartAsync((_, request) =>
        {
            seen = (CreateInstanceRequest)request;
            return new CreateInstanceResponse { InstanceId = seen.InstanceId };
        });

        Assert.Equal("id", await worker.Client.ScheduleNewWorkflowAsync("Order", "id", new { qty = 2 }, At));

        Assert.Equal(("Order", """{"qty":2}""", At), (seen!.Name, seen.Input, seen.ScheduledStartTimestamp.ToDateTime()));
        Assert.True(Guid.TryParse(await worker.Client.ScheduleNewWorkflowAsync("Order"), out _));
        Assert.Equal("", seen.Input);
    }

    [Fact]
    public async Task Active_instance_of_the_same_id_is_already_exists()
    {
        await using var worker = await StartAsync((_, _) => throw new GrpcException(GrpcStatusCode.AlreadyExists, "it runs"));

        var exception = await Assert.ThrowsAsync<RpcException>(() => worker.Client.ScheduleNewWorkflowAsync("Order", "id"));

        Assert.Equal((StatusCode.AlreadyExists, "it runs"), (exception.StatusCode, exception.Status.Detail));
    }

    [Fact]
    public async Task Reads_the_state()
    {
        await using var worker = await StartAsync((_, _) => Answer(new Wire.WorkflowState
        {
            Name = "Order",
            WorkflowStatus = OrchestrationStatus.Failed,
            CreatedTimestamp = Timestamp.FromDateTime(At),
            Input = "1",
            Output = "\"out\"",
            CustomStatus = "\"stage\"",
            FailureDetails = new TaskFailureDetails { ErrorType = "System.FormatException", ErrorMessage = "bad" },
        }));

        var state = await worker.Client.GetWorkflowStateAsync("id");

        Assert.True(state.Exists && state.IsWorkflowCompleted && !state.IsWorkflowRunning);
        Assert.Equal((WorkflowRuntimeStatus.Failed, "Order", At), (state.RuntimeStatus, state.WorkflowName, state.CreatedAt.UtcDateTime));
        Assert.Equal((1, "out", "stage"), (state.ReadInputAs<int>(), state.ReadOutputAs<string>(), state.ReadCustomStatusAs<string>()));
        Assert.True(state.FailureDetails!.IsCausedBy<Exception>());
    }

    [Fact]
    public async Task Unknown_instance_does_not_exist()
    {
        await using var worker = await StartAsync((_, _) => new GetInstanceResponse());

        var state = await worker.Client.GetWorkflowStateAsync("id");

        Assert.False(state.Exists);
        Assert.Equal(WorkflowRuntimeStatus.Unknown, state.RuntimeStatus);
        await Assert.ThrowsAsync<InvalidOperationException>(() => worker.Client.WaitForWorkflowStartAsync("id"));
    }

    [Fact]
    public async Task Wait_for_completion_asks_again_when_the_sidecar_was_away()
    {
        var calls = 0;
        await using var worker = await StartAsync((method, _) => (method, calls++) switch
        {
            ("WaitForInstanceCompletion", < 2) => throw new GrpcException(GrpcStatusCode.Unavailable, "restarting"),
            ("WaitForInstanceCompletion", _) => Answer(new Wire.WorkflowState { WorkflowStatus = OrchestrationStatus.Completed }),
            _ => Answer(new Wire.WorkflowState { WorkflowStatus = OrchestrationStatus.Completed, Output = "42" }),
        });

        Assert.Equal(42, (await worker.Client.WaitForWorkflowCompletionAsync("id")).ReadOutputAs<int>());
    }

    [Fact]
    public async Task Calls_are_repeated_while_the_sidecar_is_away()
    {
        var calls = new Dictionary<string, int>();
        await using var worker = await StartAsync((method, request) =>
        {
            calls[method] = calls.GetValueOrDefault(method) + 1;
            return calls[method] < 3
                ? throw new GrpcException(GrpcStatusCode.Unavailable, "starting")
                : method switch
                {
                    "StartInstance" => new CreateInstanceResponse { InstanceId = ((CreateInstanceRequest)request).InstanceId },
                    "GetInstance" => new GetInstanceResponse(),
                    "RaiseEvent" => new RaiseEventResponse(),
                    "TerminateInstance" => new TerminateResponse(),
                    _ => new PurgeInstancesResponse(),
                };
        });
        var client = worker.Client;

        Assert.Equal("id", await client.ScheduleNewWorkflowAsync("Order", "id"));
        await client.GetWorkflowStateAsync("id");
        await client.RaiseEventAsync("id", "go");
        await client.TerminateWorkflowAsync("id");
        await client.PurgeInstanceAsync("id");

        Assert.Equal(5, calls.Count);
        Assert.All(calls.Values, count => Assert.Equal(3, count));
    }

    [Fact]
    public async Task Repeating_ends_after_half_a_minute()
    {
        var clock = new ManualTimeProvider();
        await using var worker = await TestWorker.StartAsync(_ => { }, services => services.AddSingleton<TimeProvider>(clock));
        worker.Engine.OnCall = (_, _) => throw new GrpcException(GrpcStatusCode.Unavailable, "away");
        var started = clock.GetUtcNow();

        var call = worker.Client.TerminateWorkflowAsync("id");
        using var patience = new CancellationTokenSource(FakeEngine.Patience);
        while (!call.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
        Assert.True(clock.GetUtcNow() - started >= TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Repeated_start_that_finds_its_own_instance_has_succeeded()
    {
        var calls = 0;
        await using var worker = await StartAsync((_, _) => throw (calls++ == 0
            ? new GrpcException(GrpcStatusCode.Unavailable, "the answer was lost")
            : new GrpcException(GrpcStatusCode.AlreadyExists, "it runs")));

        Assert.True(Guid.TryParse(await worker.Client.ScheduleNewWorkflowAsync("Order"), out _));
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task Event_whose_outcome_is_unknown_is_not_raised_again()
    {
        var calls = 0;
        var connection = new SidecarConnection(new GrpcChannel(
            new Uri("http://sidecar"), new GrpcChannelOptions { HttpHandler = new Failing(() => calls++ == 0
                ? new HttpRequestException(HttpRequestError.ConnectionError)
                : new HttpRequestException(HttpRequestError.ResponseEnded)) }));
        using var client = new DaprWorkflowClient(connection, WorkflowJson.Default, TimeProvider.System);

        var exception = await Assert.ThrowsAsync<RpcException>(() => client.RaiseEventAsync("id", "go"));

        Assert.Equal((StatusCode.Unavailable, 2), (exception.StatusCode, calls));
    }

    [Fact]
    public async Task Steers_instances()
    {
        var calls = new List<string>();
        await using var worker = await StartAsync((method, request) =>
        {
            calls.Add($"{method} {request}");
            return method switch
            {
                "RaiseEvent" => new RaiseEventResponse(),
                "TerminateInstance" => new TerminateResponse(),
                "SuspendInstance" => new SuspendResponse(),
                "ResumeInstance" => new ResumeResponse(),
                _ => new PurgeInstancesResponse { DeletedInstanceCount = 1 },
            };
        });
        var client = worker.Client;

        await client.RaiseEventAsync("id", "go", 1);
        await client.SuspendWorkflowAsync("id", "why");
        await client.ResumeWorkflowAsync("id");
        await client.TerminateWorkflowAsync("id", "out");
        Assert.True(await client.PurgeInstanceAsync("id"));

        Assert.Equal(
            [
                """RaiseEvent { "instanceId": "id", "name": "go", "input": "1" }""",
                """SuspendInstance { "instanceId": "id", "reason": "why" }""",
                """ResumeInstance { "instanceId": "id" }""",
                """TerminateInstance { "instanceId": "id", "output": "\"out\"", "recursive": true }""",
                """PurgeInstances { "instanceId": "id", "recursive": true }""",
            ],
            calls);
    }

    [Theory]
    [InlineData(null, null, "http://127.0.0.1:50001/")]
    [InlineData(null, "6001", "http://127.0.0.1:6001/")]
    [InlineData("https://sidecar:443/path", "6001", "https://sidecar/")]
    public void Address_comes_from_the_endpoint_then_the_port(string? endpoint, string? port, string expected)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("DAPR_GRPC_ENDPOINT", endpoint ?? ""), new("DAPR_GRPC_PORT", port ?? "")]).Build();

        Assert.Equal(expected, SidecarConnection.Address(configuration).ToString());
    }

    private sealed class Failing(Func<Exception> failure) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => throw failure();
    }

    private static GetInstanceResponse Answer(Wire.WorkflowState state) => new() { Exists = true, WorkflowState = state };

    private static async Task<TestWorker> StartAsync(Func<string, object, object> answer)
    {
        var worker = await TestWorker.StartAsync(_ => { });
        worker.Engine.OnCall = answer;
        return worker;
    }
}
