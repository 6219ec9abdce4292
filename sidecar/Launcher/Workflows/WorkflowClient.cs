using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Launcher.Access;
using Tandem.Protocol.Grpc;
using Tandem.Protocol.Workflows;

namespace Launcher.Workflows;

/// <summary>The workflows of one app, over the gRPC service <c>TaskHubSidecarService</c> of its sidecar (dapr/grpc §4).</summary>
internal sealed class WorkflowClient(SidecarAccess sidecar, CancellationToken cancellationToken)
{
    private const uint PageSize = 1000;

    /// <summary>All instances, oldest first.</summary>
    public async Task<List<WorkflowState>> ListAsync()
    {
        var states = new List<WorkflowState>();
        var request = new ListInstanceIDsRequest { PageSize = PageSize };
        while (true)
        {
            var page = await CallAsync("ListInstanceIDs", request, ListInstanceIDsResponse.Parser);
            states.AddRange((await Task.WhenAll(page.InstanceIds.Select(FindAsync))).OfType<WorkflowState>());
            if (!page.HasContinuationToken)
            {
                return [.. states.OrderBy(state => state.CreatedTimestamp)];
            }

            request.ContinuationToken = page.ContinuationToken;
        }
    }

    /// <summary>Null when there is none, perhaps since a moment.</summary>
    public async Task<WorkflowState?> FindAsync(string id)
    {
        var response = await CallAsync("GetInstance", new GetInstanceRequest { InstanceId = id, GetInputsAndOutputs = true }, GetInstanceResponse.Parser);
        return response.Exists ? response.WorkflowState : null;
    }

    public async Task<WorkflowState> GetAsync(string id) => await FindAsync(id) ?? throw Unknown(id);

    public async Task<IReadOnlyList<HistoryEvent>> HistoryAsync(string id) =>
        (await CallAsync("GetInstanceHistory", new GetInstanceHistoryRequest { InstanceId = id }, GetInstanceHistoryResponse.Parser)).Events;

    public async Task<string> StartAsync(string name, string? id, string? input, DateTimeOffset? at) => (await CallAsync(
        "StartInstance",
        new CreateInstanceRequest { InstanceId = id ?? Guid.NewGuid().ToString("N"), Name = name, Input = input, ScheduledStartTimestamp = at?.ToTimestamp() },
        CreateInstanceResponse.Parser)).InstanceId;

    public Task RaiseEventAsync(string id, string name, string? input) =>
        CallAsync("RaiseEvent", new RaiseEventRequest { InstanceId = id, Name = name, Input = input }, RaiseEventResponse.Parser);

    public Task TerminateAsync(string id, string? output) =>
        CallAsync("TerminateInstance", new TerminateRequest { InstanceId = id, Output = output, Recursive = true }, TerminateResponse.Parser);

    public Task SuspendAsync(string id, string? reason) =>
        CallAsync("SuspendInstance", new SuspendRequest { InstanceId = id, Reason = reason }, SuspendResponse.Parser);

    public Task ResumeAsync(string id, string? reason) =>
        CallAsync("ResumeInstance", new ResumeRequest { InstanceId = id, Reason = reason }, ResumeResponse.Parser);

    /// <summary>How many instances are gone, children included; 0 when there is none of that id.</summary>
    public async Task<int> PurgeAsync(string id, bool force) => (await CallAsync(
        "PurgeInstances", new PurgeInstancesRequest { InstanceId = id, Recursive = true, Force = force }, PurgeInstancesResponse.Parser)).DeletedInstanceCount;

    public async Task<string> RerunAsync(string id, uint eventId, string? newId, string? input) => (await CallAsync(
        "RerunWorkflowFromEvent", Rerun(id, eventId, newId, input), RerunWorkflowFromEventResponse.Parser)).NewInstanceID;

    public static LauncherException Unknown(string id) => new($"no workflow instance '{id}': './daprw workflow list' shows those that there are");

    private static RerunWorkflowFromEventRequest Rerun(string id, uint eventId, string? newId, string? input)
    {
        var request = new RerunWorkflowFromEventRequest { SourceInstanceID = id, EventID = eventId, Input = input, OverwriteInput = input is not null };
        if (newId is not null)
        {
            request.NewInstanceID = newId;
        }

        return request;
    }

    private async Task<TResponse> CallAsync<TRequest, TResponse>(string method, TRequest request, MessageParser<TResponse> parser)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        try
        {
            return await sidecar.Grpc.UnaryAsync($"/TaskHubSidecarService/{method}", request, parser, cancellationToken: cancellationToken);
        }
        catch (GrpcException exception) when (exception.StatusCode is not GrpcStatusCode.Cancelled)
        {
            throw new LauncherException($"the sidecar of {sidecar.AppId} refuses: {exception.Detail.ReplaceLineEndings(" ")}");
        }
    }
}
