using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Dapr.Workflow;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Sidecar.Api.Tests;

/// <summary>The workflow API as a program without an SDK calls it, with the SDK's worker at the other end.</summary>
public sealed class WorkflowApiTests : IAsyncLifetime
{
    private readonly TestRun _run = new TestRun().Component("store", "state.in-memory", "actorStateStore=true", "scopes: [orders, billing]\n");
    private IHost _worker = null!;
    private HttpClient _http = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _run.AppAsync("orders");
        await _run.AppAsync("storeless");
        await _run.AppAsync("billing");
        await _run.StartAsync();
        _http = _run.Client();
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection([new("DAPR_GRPC_ENDPOINT", $"http://127.0.0.1:{_run.Sidecar.Instances[0].GrpcPort}")]);
        builder.Services.AddDaprWorkflow(options =>
        {
            options.RegisterWorkflow<Order>();
            options.RegisterWorkflow<Batch>();
            options.RegisterWorkflow<Traced>();
            options.RegisterActivity<TellTrace>();
        });
        _worker = builder.Build();
        await _worker.StartAsync(Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.StopAsync(CancellationToken.None);
        _worker.Dispose();
        _http.Dispose();
        await _run.DisposeAsync();
    }

    [Theory]
    [InlineData("v1.0")]
    [InlineData("v1.0-beta1")]
    [InlineData("v1.0-alpha1")]
    public async Task A_workflow_runs_from_its_start_over_an_event_to_its_end(string version)
    {
        var begin = DateTimeOffset.UtcNow.AddSeconds(-1);

        Assert.Equal((202, """{"instanceID":"order-1"}"""), await PostAsync($"/{version}/workflows/dapr/Order/start?instanceID=order-1", "20"));
        var waiting = await UntilAsync("order-1", "RUNNING", state => state.GetProperty("properties").TryGetProperty("dapr.workflow.custom_status", out _));
        Assert.Equal((202, "{}"), await PostAsync($"/{version}/workflows/dapr/order-1/raiseEvent/approve", "2"));
        await UntilAsync("order-1", "COMPLETED");
        using var response = await _http.GetAsync($"/{version}/workflows/dapr/order-1", Token);
        var ended = await response.Content.ReadFromJsonAsync<JsonElement>(Token);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"dapr.workflow.custom_status":"\u0022waiting\u0022","dapr.workflow.input":"20"}""", waiting.GetProperty("properties").GetRawText());
        Assert.Equal(
            ["instanceID", "workflowName", "createdAt", "lastUpdatedAt", "runtimeStatus", "properties"], ended.EnumerateObject().Select(member => member.Name));
        Assert.Equal("order-1", ended.GetProperty("instanceID").GetString());
        Assert.Equal("Order", ended.GetProperty("workflowName").GetString());
        var (created, updated) = (ended.GetProperty("createdAt").GetDateTimeOffset(), ended.GetProperty("lastUpdatedAt").GetDateTimeOffset());
        Assert.True(begin <= created && created <= updated && updated <= DateTimeOffset.UtcNow, $"{begin:O} {created:O} {updated:O}");
        Assert.Equal(
            """{"dapr.workflow.custom_status":"\u0022waiting\u0022","dapr.workflow.input":"20","dapr.workflow.output":"22"}""",
            ended.GetProperty("properties").GetRawText());
    }

    [Fact]
    public async Task An_id_is_made_and_input_and_data_may_be_absent()
    {
        var (status, body) = await PostAsync("/v1.0/workflows/dapr/Order/start");
        var id = JsonDocument.Parse(body).RootElement.GetProperty("instanceID").GetString()!;
        await PostAsync($"/v1.0/workflows/dapr/{id}/raiseEvent/approve");

        Assert.Equal(202, status);
        Assert.True(Guid.TryParse(id, out _));
        Assert.Equal("0", (await UntilAsync(id, "COMPLETED")).GetProperty("properties").GetProperty("dapr.workflow.output").GetString());
    }

    [Fact]
    public async Task The_id_of_a_running_instance_is_refused_and_that_of_an_ended_one_is_not()
    {
        await PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=twice", "1");

        var (status, body) = await PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=twice", "5");
        Assert.Equal(500, status);
        Assert.Equal(
            """{"errorCode":"ERR_START_WORKFLOW","message":"error starting workflow 'Order': an active workflow with ID 'twice' already exists"}""",
            body.Replace("\\u0027", "'", StringComparison.Ordinal));
        Assert.Equal("1", (await UntilAsync("twice", "RUNNING")).GetProperty("properties").GetProperty("dapr.workflow.input").GetString());

        await PostAsync("/v1.0/workflows/dapr/twice/raiseEvent/approve", "1");
        await UntilAsync("twice", "COMPLETED");
        Assert.Equal(202, (await PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=twice", "7")).Status);
        Assert.Equal("7", (await UntilAsync("twice", "RUNNING")).GetProperty("properties").GetProperty("dapr.workflow.input").GetString());
    }

    [Fact]
    public async Task Of_many_starts_with_one_id_one_succeeds()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(n => PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=race", $"{n}")));

        var winner = Assert.Single(answers.Index(), answer => answer.Item.Status == 202).Index;
        Assert.All(answers.Where(answer => answer.Status != 202), answer => Assert.Contains("ERR_START_WORKFLOW", answer.Body, StringComparison.Ordinal));
        Assert.Equal($"{winner}", (await UntilAsync("race", "RUNNING")).GetProperty("properties").GetProperty("dapr.workflow.input").GetString());
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "\"0af7651916cd43dd8448eb211c80319c\"")]
    [InlineData("no trace", "\"\"")]
    public async Task The_callers_trace_goes_on_to_the_worker(string traceParent, string seen)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/workflows/dapr/Traced/start?instanceID=t");
        request.Headers.TryAddWithoutValidation("traceparent", traceParent);
        using var response = await _http.SendAsync(request, Token);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(seen, (await UntilAsync("t", "COMPLETED")).GetProperty("properties").GetProperty("dapr.workflow.output").GetString());
    }

    [Fact]
    public async Task An_instance_is_paused_resumed_terminated_and_purged()
    {
        await PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=o", "1");

        Assert.Equal((202, "{}"), await PostAsync("/v1.0/workflows/dapr/o/pause"));
        await UntilAsync("o", "SUSPENDED");
        Assert.Equal((202, "{}"), await PostAsync("/v1.0/workflows/dapr/o/resume", "{}"));
        await UntilAsync("o", "RUNNING");
        Assert.Equal((500, "ERR_PURGE_WORKFLOW"), await ErrorAsync("POST", "/v1.0/workflows/dapr/o/purge"));
        Assert.Equal((202, "{}"), await PostAsync("/v1.0/workflows/dapr/o/terminate", """{"unknown":1}"""));
        await UntilAsync("o", "TERMINATED");
        // Who terminates twice, or too late, gets what he wants.
        Assert.Equal((202, "{}"), await PostAsync("/v1.0/workflows/dapr/o/terminate"));
        Assert.Equal((202, "{}"), await PostAsync("/v1.0/workflows/dapr/o/purge"));
        Assert.Equal((404, "ERR_INSTANCE_ID_NOT_FOUND"), await ErrorAsync("GET", "/v1.0/workflows/dapr/o"));
        Assert.Equal((404, "ERR_INSTANCE_ID_NOT_FOUND"), await ErrorAsync("POST", "/v1.0/workflows/dapr/o/purge"));
    }

    [Fact]
    public async Task Children_are_terminated_and_purged_with_their_parent()
    {
        await PostAsync("/v1.0/workflows/dapr/Batch/start?instanceID=batch", "\"child\"");
        await UntilAsync("child", "RUNNING");

        await PostAsync("/v1.0/workflows/dapr/batch/terminate");
        await UntilAsync("batch", "TERMINATED");
        await UntilAsync("child", "TERMINATED");
        await PostAsync("/v1.0/workflows/dapr/batch/purge");

        Assert.Equal((404, "ERR_INSTANCE_ID_NOT_FOUND"), await ErrorAsync("GET", "/v1.0/workflows/dapr/child"));
    }

    [Theory]
    [InlineData("-1", "ArgumentOutOfRangeException")]
    [InlineData("{not json", "Json")]
    public async Task A_workflow_that_fails_says_why_and_has_no_output(string input, string errorType)
    {
        Assert.Equal(202, (await PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=f", input)).Status);

        var properties = (await UntilAsync("f", "FAILED")).GetProperty("properties");

        Assert.Equal(input, properties.GetProperty("dapr.workflow.input").GetString());
        Assert.Contains(errorType, properties.GetProperty("dapr.workflow.failure.error_type").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(properties.GetProperty("dapr.workflow.failure.error_message").GetString()!);
        Assert.NotEmpty(properties.GetProperty("dapr.workflow.failure.stack_trace").GetString()!);
        Assert.False(properties.TryGetProperty("dapr.workflow.output", out _));
    }

    [Theory]
    [InlineData("POST", "other/Order/start", "", 400, "ERR_WORKFLOW_COMPONENT_NOT_FOUND")]
    [InlineData("GET", "other/1", null, 400, "ERR_WORKFLOW_COMPONENT_NOT_FOUND")]
    [InlineData("POST", "dapr/Order/start?instanceID=a%20b", "", 400, "ERR_INSTANCE_ID_INVALID")]
    [InlineData("POST", "dapr/Order/start?instanceID=a%7C%7Cb", "", 400, "ERR_INSTANCE_ID_INVALID")]
    [InlineData("POST", "dapr/Order/start?instanceID=1234567890123456789012345678901234567890123456789012345678901234x", "", 400, "ERR_INSTANCE_ID_TOO_LONG")]
    [InlineData("POST", "dapr/Order/start?appID=another", "", 400, "ERR_WORKFLOW_APP_ID_INVALID")]
    [InlineData("GET", "dapr/none", null, 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [InlineData("GET", "dapr/none%7C%7Cmetadata", null, 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [InlineData("POST", "dapr/none/terminate", "", 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [InlineData("POST", "dapr/none/purge", "", 404, "ERR_INSTANCE_ID_NOT_FOUND")]
    [InlineData("POST", "dapr/none/pause", "", 500, "ERR_PAUSE_WORKFLOW")]
    [InlineData("POST", "dapr/none/resume", "", 500, "ERR_RESUME_WORKFLOW")]
    [InlineData("POST", "dapr/none/raiseEvent/approve", "1", 500, "ERR_RAISE_EVENT_WORKFLOW")]
    [InlineData("POST", "dapr/a%7C%7Cb/terminate", "", 400, "ERR_INSTANCE_ID_INVALID")]
    [InlineData("POST", "dapr/none/terminate", "{", 400, "ERR_MALFORMED_REQUEST")]
    [InlineData("POST", "dapr/none/purge", "[]", 400, "ERR_MALFORMED_REQUEST")]
    [InlineData("POST", "dapr//start", "", 404, "ERR_DIRECT_INVOKE")]
    public async Task Bad_requests_are_answered_with_Daprs_code(string method, string path, string? body, int status, string code) =>
        Assert.Equal((status, code), await ErrorAsync(method, $"/v1.0/workflows/{path}", body is null ? null : Encoding.UTF8.GetBytes(body)));

    [Fact]
    public async Task Workflows_of_another_app_are_reached_by_its_id()
    {
        using var billing = _run.Client(2);
        using var started = await billing.PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=theirs&appID=orders", new StringContent("1"), Token);
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        await UntilAsync("theirs", "RUNNING");
        using var terminated = await billing.PostAsync("/v1.0/workflows/dapr/theirs/terminate?appID=orders", null, Token);
        Assert.Equal(HttpStatusCode.Accepted, terminated.StatusCode);
        await UntilAsync("theirs", "TERMINATED");
        using var own = await billing.GetAsync("/v1.0/workflows/dapr/theirs", Token);
        Assert.Equal(HttpStatusCode.NotFound, own.StatusCode);
    }

    [Fact]
    public async Task A_text_that_is_not_UTF8_is_refused()
    {
        Assert.Equal((400, "ERR_MALFORMED_REQUEST"), await ErrorAsync("POST", "/v1.0/workflows/dapr/Order/start?instanceID=u", [0x22, 0xFF, 0x22]));
        Assert.Equal((404, "ERR_INSTANCE_ID_NOT_FOUND"), await ErrorAsync("GET", "/v1.0/workflows/dapr/u"));
    }

    [Fact]
    public async Task An_app_without_a_store_for_workflows_is_told_what_is_missing()
    {
        using var storeless = _run.Client(1);

        using var response = await storeless.PostAsync("/v1.0/workflows/dapr/Order/start", null, Token);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        var error = await response.Content.ReadFromJsonAsync<JsonElement>(Token);
        Assert.Equal("ERR_ACTOR_RUNTIME_NOT_FOUND", error.GetProperty("errorCode").GetString());
        Assert.Contains("actorStateStore", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private async Task<(int Status, string Body)> PostAsync(string path, string? body = null)
    {
        using var content = body is null ? null : new StringContent(body);
        using var response = await _http.PostAsync(path, content, Token);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Token));
    }

    private async Task<(int Status, string? Code)> ErrorAsync(string method, string path, byte[]? body = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new ByteArrayContent(body) };
        using var response = await _http.SendAsync(request, Token);
        return ((int)response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("errorCode").GetString());
    }

    /// <summary>The instance as soon as it has the status.</summary>
    private async Task<JsonElement> UntilAsync(string instanceId, string status, Func<JsonElement, bool>? condition = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            using var response = await _http.GetAsync($"/v1.0/workflows/dapr/{instanceId}", limit.Token);
            var state = await response.Content.ReadFromJsonAsync<JsonElement>(limit.Token);
            if (response.IsSuccessStatusCode && state.GetProperty("runtimeStatus").GetString() == status && condition?.Invoke(state) != false)
            {
                return state;
            }

            await Task.Delay(10, limit.Token);
        }
    }

    /// <summary>Waits for the event "approve" and adds it to its input.</summary>
    internal sealed class Order : Workflow<int, int>
    {
        public override async Task<int> RunAsync(WorkflowContext context, int input)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(input);
            context.SetCustomStatus("waiting");
            return input + await context.WaitForExternalEventAsync<int>("approve");
        }
    }

    /// <summary>Waits for a child whose id is its input.</summary>
    internal sealed class Batch : Workflow<string, int>
    {
        public override Task<int> RunAsync(WorkflowContext context, string input) =>
            context.CallChildWorkflowAsync<int>(nameof(Order), 1, new ChildWorkflowTaskOptions(input));
    }

    internal sealed class Traced : Workflow<string, string>
    {
        public override Task<string> RunAsync(WorkflowContext context, string input) => context.CallActivityAsync<string>(nameof(TellTrace));
    }

    /// <summary>The trace that the activity runs in, or nothing.</summary>
    internal sealed class TellTrace : WorkflowActivity<string, string>
    {
        public override Task<string> RunAsync(WorkflowActivityContext context, string input) =>
            Task.FromResult(Activity.Current?.TraceId.ToHexString() ?? "");
    }
}
