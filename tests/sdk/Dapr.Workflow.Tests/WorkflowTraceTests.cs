using System.Diagnostics;
using Tandem.Protocol.Workflows;

namespace Dapr.Workflow.Tests;

public sealed class WorkflowTraceTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public async Task Activity_runs_in_a_span_of_its_workflows_trace()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Dapr.Workflow",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                {
                    spans.Add(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        string? current = null;
        await using var worker = await TestWorker.StartAsync(o => o.RegisterActivity<string, string>("Traced", (_, _) =>
        {
            current = Activity.Current?.TraceId.ToString();
            return Task.FromResult("");
        }));

        await worker.Engine.ActivityAsync(new ActivityRequest
        {
            Name = "Traced",
            WorkflowInstance = new WorkflowInstance { InstanceId = "inst1" },
            ParentTraceContext = new TraceContext { TraceParent = Parent },
        });

        Assert.Equal("0af7651916cd43dd8448eb211c80319c", current);
        await worker.StopAsync();
        lock (spans)
        {
            Assert.Equal("b7ad6b7169203331", Assert.Single(spans, s => s.DisplayName == "WorkflowActivity Traced").ParentSpanId.ToString());
        }
    }

    [Fact]
    public async Task Scheduling_passes_the_callers_trace_on()
    {
        CreateInstanceRequest? seen = null;
        await using var worker = await TestWorker.StartAsync(_ => { });
        worker.Engine.OnCall = (_, request) =>
        {
            seen = (CreateInstanceRequest)request;
            return new CreateInstanceResponse();
        };
        using var activity = new Activity("caller").SetParentId(Parent).Start();

        await worker.Client.ScheduleNewWorkflowAsync("Order");

        Assert.Equal(activity.Id, seen!.ParentTraceContext.TraceParent);
    }

    [Fact]
    public async Task Turn_continues_the_trace_that_scheduled_it()
    {
        string? trace = null;
        await using var worker = await TestWorker.StartAsync(o => o.RegisterWorkflow<string, string>("Order", (_, _) =>
        {
            trace = Activity.Current?.TraceId.ToString();
            return Task.FromResult("");
        }));

        await worker.Engine.TurnAsync(new WorkflowRequest
        {
            InstanceId = "inst1",
            NewEvents =
            {
                new HistoryEvent
                {
                    ExecutionStarted = new ExecutionStartedEvent { Name = "Order", ParentTraceContext = new TraceContext { TraceParent = Parent } },
                },
            },
        });

        Assert.Equal("0af7651916cd43dd8448eb211c80319c", trace);
    }
}
