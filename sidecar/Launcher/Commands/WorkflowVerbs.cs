using System.CommandLine;
using System.Globalization;
using Launcher.Access;
using Launcher.Data;
using Launcher.Workflows;

namespace Launcher.Commands;

/// <summary>
/// <c>daprw workflow …</c> with the verbs and flags of the dapr CLI. The app need not be there, nor the run: then a sidecar of its own reads
/// the data that the last run left.
/// </summary>
internal sealed class WorkflowVerbs(Func<ParseResult, DataDirectory> directory)
{
    private static readonly Option<string> AppId = new("--app-id", "-a") { Description = "App that owns the workflows", Recursive = true };
    private static readonly Option<string> RunFile = new("--run-file") { Description = "Run template, or the folder of a dapr.yaml", Recursive = true, DefaultValueFactory = _ => "dapr.yaml" };

    public static Command Create(Func<ParseResult, Option<string>, DataDirectory> directory)
    {
        var verbs = new WorkflowVerbs(parsed => directory(parsed, RunFile));
        var command = new Command("workflow", "See and control workflows, also of an app or a run that is not there")
        {
            AppId, RunFile,
            verbs.List(), verbs.History(), verbs.Purge(), verbs.Run(), verbs.Rerun(), verbs.RaiseEvent(),
            verbs.Control("terminate", "End an instance and its children", "--output", "Result of the instance, JSON", (client, id, output) => client.TerminateAsync(id, output)),
            verbs.Control("suspend", "Hold an instance", "--reason", "Why", (client, id, reason) => client.SuspendAsync(id, reason)),
            verbs.Control("resume", "Let a suspended instance go on", "--reason", "Why", (client, id, reason) => client.ResumeAsync(id, reason)),
        };
        command.Aliases.Add("wf");
        return command;
    }

    private Command List()
    {
        var status = new Option<string>("--filter-status", "-s") { Description = "RUNNING, COMPLETED, FAILED, …" };
        var name = new Option<string>("--filter-name", "-w") { Description = "Name of the workflow" };
        var age = new Option<string>("--filter-max-age", "-m") { Description = "Created within this duration, or since this time" };
        var output = Output();
        return Verb(new Command("list", "Show the instances, oldest first") { status, name, age, output }, async (parsed, client, sidecar) =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var filter = new WorkflowFilter
            {
                Status = WorkflowFilter.ReadStatus(status.Name, parsed.GetValue(status)),
                WorkflowName = parsed.GetValue(name),
                After = WorkflowFilter.ReadTime(age.Name, parsed.GetValue(age), now),
            };
            WorkflowPrinter.Print(parsed.GetRequiredValue(output), sidecar.AppId, [.. (await client.ListAsync()).Where(filter.Matches)], now);
        });
    }

    private Command History()
    {
        var id = Id();
        var output = Output();
        return Verb(new Command("history", "Show what an instance did, step by step") { id, output }, async (parsed, client, _) =>
        {
            var state = await client.GetAsync(parsed.GetRequiredValue(id));
            WorkflowPrinter.Print(parsed.GetRequiredValue(output), await client.HistoryAsync(state.InstanceId));
        });
    }

    private Command Purge()
    {
        var ids = new Argument<string[]>("id") { Description = "Instances", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all") { Description = "All instances that have ended" };
        var olderThan = new Option<string>("--all-older-than") { Description = "Those created before this: a duration such as 36h, or a time" };
        var name = new Option<string>("--all-filter-name") { Description = "Those of this workflow" };
        var status = new Option<string>("--all-filter-status") { Description = "Those in this status" };
        var force = new Option<bool>("--force") { Description = "Also what has not ended: it is gone without another word" };
        return Verb(new Command("purge", "Remove ended instances with their histories and children") { ids, all, olderThan, name, status, force }, async (parsed, client, sidecar) =>
        {
            var given = parsed.GetValue(ids) ?? [];
            var filter = new WorkflowFilter
            {
                Before = WorkflowFilter.ReadTime(olderThan.Name, parsed.GetValue(olderThan), TimeProvider.System.GetUtcNow()),
                WorkflowName = parsed.GetValue(name),
                Status = WorkflowFilter.ReadStatus(status.Name, parsed.GetValue(status)),
            };
            var isFiltered = parsed.GetValue(all) || filter != new WorkflowFilter();
            if (given.Length > 0 == isFiltered)
            {
                throw new LauncherException("give ids, or say which with --all, --all-older-than, --all-filter-name or --all-filter-status", 2);
            }

            var count = 0;
            foreach (var id in isFiltered ? await ChosenAsync(client, filter, parsed.GetValue(force)) : given)
            {
                var purged = await client.PurgeAsync(id, parsed.GetValue(force));
                count += purged > 0 || isFiltered ? purged : throw WorkflowClient.Unknown(id);
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"purged {count} of {sidecar.AppId}"));
        });
    }

    /// <summary>An instance may go with its parent, so what is gone meanwhile is no failure.</summary>
    private static async Task<IEnumerable<string>> ChosenAsync(WorkflowClient client, WorkflowFilter filter, bool force) =>
        (await client.ListAsync()).Where(state => filter.Matches(state) && (force || WorkflowFilter.HasEnded(state))).Select(state => state.InstanceId);

    private Command Run()
    {
        var name = new Argument<string>("name") { Description = "Name of the workflow" };
        var id = new Option<string>("--instance-id", "-i") { Description = "Id of the instance (default: a new one)" };
        var input = Input();
        var start = new Option<string>("--start-time", "-s") { Description = "Not before this time" };
        return Verb(new Command("run", "Start a workflow") { name, id, input, start }, async (parsed, client, sidecar) =>
        {
            var at = WorkflowFilter.ReadTime(start.Name, parsed.GetValue(start), TimeProvider.System.GetUtcNow());
            var made = await client.StartAsync(parsed.GetRequiredValue(name), parsed.GetValue(id), parsed.GetValue(input), at);
            Console.WriteLine($"{made} of {sidecar.AppId} is started{Later(sidecar)}");
        });
    }

    private Command Rerun()
    {
        var id = Id();
        var eventId = new Option<uint>("--event-id", "-e") { Description = "Event of the history to run again from" };
        var newId = new Option<string>("--new-instance-id", "-n") { Description = "Id of the new instance" };
        var input = Input();
        return Verb(new Command("rerun", "Start an instance anew from an event of its history") { id, eventId, newId, input }, async (parsed, client, sidecar) =>
        {
            var made = await client.RerunAsync(parsed.GetRequiredValue(id), parsed.GetValue(eventId), parsed.GetValue(newId), parsed.GetValue(input));
            Console.WriteLine($"{made} of {sidecar.AppId} is started{Later(sidecar)}");
        });
    }

    private Command RaiseEvent()
    {
        var target = new Argument<string>("id/event") { Description = "Instance and name of the event" };
        var input = Input();
        return Verb(new Command("raise-event", "Send an event to an instance") { target, input }, async (parsed, client, sidecar) =>
        {
            if (parsed.GetRequiredValue(target).Split('/') is not [{ Length: > 0 } id, { Length: > 0 } name])
            {
                throw new LauncherException("expected INSTANCE/EVENT", 2);
            }

            await client.GetAsync(id);
            await client.RaiseEventAsync(id, name, parsed.GetValue(input));
            Console.WriteLine($"{id} of {sidecar.AppId} has event {name}{Later(sidecar)}");
        });
    }

    private Command Control(string name, string description, string option, string optionDescription, Func<WorkflowClient, string, string?, Task> act)
    {
        var id = Id();
        var text = new Option<string>(option, $"-{option[2]}") { Description = optionDescription };
        return Verb(new Command(name, description) { id, text }, async (parsed, client, sidecar) =>
        {
            await act(client, parsed.GetRequiredValue(id), parsed.GetValue(text));
            Console.WriteLine(WorkflowPrinter.Line(sidecar.AppId, await client.GetAsync(parsed.GetRequiredValue(id))) + Later(sidecar));
        });
    }

    /// <summary>A workflow's own code takes part in what happens next.</summary>
    private static string Later(SidecarAccess sidecar) => sidecar.IsOffline ? "; it goes on when its app runs again" : "";

    private Command Verb(Command command, Func<ParseResult, WorkflowClient, SidecarAccess, Task> act)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var sidecar = await SidecarAccess.OfRunOrDataAsync(directory(parsed), parsed.GetValue(AppId), TimeProvider.System, cancellationToken);
            await act(parsed, new WorkflowClient(sidecar, cancellationToken), sidecar);
            return 0;
        });
        return command;
    }

    private static Argument<string> Id() => new("id") { Description = "Instance" };

    private static Option<string> Input() => new("--input", "-x") { Description = "JSON" };

    private static Option<string> Output() => new Option<string>("--output", "-o") { Description = "short, wide (with payloads) or json", DefaultValueFactory = _ => "short" }
        .AcceptOnlyFromAmong("short", "wide", "json");
}
