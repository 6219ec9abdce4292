using System.CommandLine;
using System.CommandLine.Parsing;
using Load;
using Load.Desks;
using Load.Identity;
using Load.Images;
using Load.Models;
using Load.Sidecars;

var gateway = new Option<Uri>("--gateway")
{
    Description = "Address of the gateway (loopback only)", DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"), CustomParser = Address,
};
var users = new Option<int>("--users") { Description = "Users that each wait for one scan before they start the next", DefaultValueFactory = _ => 50 };
var scans = new Option<int>("--scans") { Description = "Scans per user", DefaultValueFactory = _ => 2 };
var photo = new Option<FileInfo>("--photo") { Description = "JPEG or PNG that every user uploads once", Required = true };
var vision = new Option<double>("--vision-seconds") { Description = "Latency the model server was given for vision", DefaultValueFactory = _ => 5.16 };
var answer = new Option<double>("--answer-seconds") { Description = "Latency the model server was given for answers", DefaultValueFactory = _ => 3.69 };
var limit = new Option<int>("--limit-seconds") { Description = "The whole run ends after this time", DefaultValueFactory = _ => 600 };
var warmUp = new Option<int>("--warm-up") { Description = "Scans of each user before the measured ones", DefaultValueFactory = _ => 1 };
var data = new Option<DirectoryInfo>("--data") { Description = "Data folder of the run, for its metrics", DefaultValueFactory = _ => new DirectoryInfo(".data") };

var root = new RootCommand("Closed-loop scan load: bounded in users, scans and time, against loopback only")
{
    gateway, users, scans, photo, vision, answer, limit, warmUp, data,
};
root.SetAction((parsed, cancellationToken) => ScanLoad.RunAsync(
    new ScanLoadOptions(
        parsed.GetRequiredValue(gateway), parsed.GetRequiredValue(users), parsed.GetRequiredValue(scans), parsed.GetRequiredValue(photo),
        TimeSpan.FromSeconds(parsed.GetRequiredValue(vision) + parsed.GetRequiredValue(answer)),
        TimeSpan.FromSeconds(parsed.GetRequiredValue(limit)), parsed.GetRequiredValue(warmUp), parsed.GetRequiredValue(data)),
    Console.Out, cancellationToken));

var producers = new Option<int>("--producers") { Description = "Producers that each wait for one append before the next", DefaultValueFactory = _ => 4 };
var seconds = new Option<int>("--seconds") { Description = "Time measured", DefaultValueFactory = _ => 10 };
var appends = new Command("appends", "Appends to job logs at event-router directly") { data, producers, seconds };
appends.SetAction((parsed, cancellationToken) => AppendLoad.RunAsync(
    parsed.GetRequiredValue(data), parsed.GetRequiredValue(producers), TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds)), Console.Out, cancellationToken));
root.Subcommands.Add(appends);

var rounds = new Option<int>("--rounds") { Description = "Rounds, of which the best counts (pubsub: the median)", DefaultValueFactory = _ => 5 };
var tracing = new Option<bool>("--tracing") { Description = "Every call makes spans" };
var sidecar = new Command("sidecar", "What a sidecar process of its own costs: invocation, state, messages, idle") { rounds, tracing };
sidecar.SetAction((parsed, cancellationToken) => SidecarLoad.RunAsync(
    parsed.GetRequiredValue(rounds), parsed.GetRequiredValue(tracing), Console.Out, cancellationToken));
root.Subcommands.Add(sidecar);

var state = new Command("state", "State per store through a sidecar of its own: files, memory and real servers") { rounds };
state.SetAction((parsed, cancellationToken) => StateLoad.RunAsync(parsed.GetRequiredValue(rounds), Console.Out, cancellationToken));
root.Subcommands.Add(state);

var pubsub = new Command("pubsub", "Messages per broker through a sidecar of its own, in memory, in files and on real servers: rate, latency, none lost") { rounds };
pubsub.SetAction((parsed, cancellationToken) => PubSubLoad.RunAsync(parsed.GetRequiredValue(rounds), Console.Out, cancellationToken));
root.Subcommands.Add(pubsub);

var port = new Option<int>("--port") { Required = true };
var behind = new Option<string?>("--behind");
var app = new Command("app", "The app that the sidecar's benchmarks call") { port, behind };
app.SetAction((parsed, cancellationToken) => LoadApp.RunAsync(parsed.GetRequiredValue(port), parsed.GetValue(behind), cancellationToken));
root.Subcommands.Add(app);

var instances = new Option<int>("--instances") { Description = "Workflows measured", DefaultValueFactory = _ => 10_000 };
var callers = new Option<int>("--callers") { Description = "Callers that each wait for the end of a workflow before the next", DefaultValueFactory = _ => 64 };
var activities = new Option<int>("--activities") { Description = "Sequential activities of a workflow", DefaultValueFactory = _ => 5 };
var postgreSql = new Option<bool>("--postgresql") { Description = "The instances are kept in a private PostgreSQL, not in files" };
var workflows = new Command("workflows", "Workflows of sequential activities on a sidecar of its own") { instances, callers, activities, tracing, postgreSql };
workflows.SetAction((parsed, cancellationToken) => WorkflowLoad.RunAsync(
    new WorkflowLoadOptions(
        parsed.GetRequiredValue(instances), parsed.GetRequiredValue(callers), parsed.GetRequiredValue(activities), parsed.GetValue(tracing),
        parsed.GetValue(postgreSql)),
    Console.Out, cancellationToken));
root.Subcommands.Add(workflows);

var redis = new Command("redis", "The Redis client beside redis-benchmark at the same depth; many rounds") { rounds };
redis.SetAction((parsed, cancellationToken) => RedisLoad.RunAsync(parsed.GetRequiredValue(rounds), Console.Out, cancellationToken));
root.Subcommands.Add(redis);

var streams = new Option<int>("--streams") { Description = "Streams at a time", DefaultValueFactory = _ => 1000 };
var models = new Command("models", "What model access costs: its policies, the first token of a stream, many streams at a time") { rounds, streams };
models.SetAction((parsed, cancellationToken) => ModelLoad.RunAsync(
    parsed.GetRequiredValue(rounds), parsed.GetRequiredValue(streams), Console.Out, cancellationToken));
root.Subcommands.Add(models);

var identity = new Command("identity", "What the check of tokens costs: at the gateway, as Envoy's ext_authz, one verification") { rounds };
identity.SetAction((parsed, cancellationToken) => IdentityLoad.RunAsync(parsed.GetRequiredValue(rounds), Console.Out, cancellationToken));
root.Subcommands.Add(identity);

var logouts = new Option<int>("--logouts") { Description = "People that log out, one after the other", DefaultValueFactory = _ => 200 };
var revocation = new Command("revocation", "How long a token is taken after a logout, at every gateway of a run") { data, logouts };
revocation.SetAction((parsed, cancellationToken) => RevocationLoad.RunAsync(
    parsed.GetRequiredValue(data), parsed.GetRequiredValue(logouts), Console.Out, cancellationToken));
root.Subcommands.Add(revocation);

var pictures = new Option<int>("--pictures") { Description = "Pictures measured for each caller and kind", DefaultValueFactory = _ => 40 };
var serverGc = new Option<bool>("--server-gc") { Description = "Desk's garbage collector is the server one, not as on Kubernetes" };
var classify = new Command("desk-classify", "What it costs to judge large photos through the route of a desk process: time, and memory at the peak") { pictures, serverGc };
classify.SetAction((parsed, cancellationToken) => DeskLoad.RunAsync(
    parsed.GetRequiredValue(pictures), parsed.GetRequiredValue(serverGc), Console.Out, cancellationToken));
root.Subcommands.Add(classify);

var modelServer = new Option<Uri>("--models")
{
    Description = "Address of the model server (loopback only)", DefaultValueFactory = _ => new Uri("http://127.0.0.1:9099"), CustomParser = Address,
};
var atATime = new Option<int>("--at-a-time") { Description = "Tasks at a time: users that each wait for one before they start the next", DefaultValueFactory = _ => 200 };
var tasks = new Option<int>("--tasks") { Description = "Measured tasks of each user; with the warm-up at most as many as a user may have in a day", DefaultValueFactory = _ => 3 };
var draw = new Option<double>("--draw-seconds") { Description = "Latency the model server was given for drawing", DefaultValueFactory = _ => 25 };
var burst = new Option<bool>("--burst") { Description = "All users begin at once" };
var deskTasks = new Command("desk-tasks", "Tasks of desk, many at a time: what the platform adds to the models' latency")
{
    gateway, modelServer, atATime, tasks, warmUp, vision, draw, burst, limit, data,
};
deskTasks.SetAction((parsed, cancellationToken) => DeskTaskLoad.RunAsync(
    new DeskTaskLoadOptions(
        parsed.GetRequiredValue(gateway), parsed.GetRequiredValue(modelServer), parsed.GetRequiredValue(atATime), parsed.GetRequiredValue(tasks), parsed.GetRequiredValue(warmUp),
        TimeSpan.FromSeconds(parsed.GetRequiredValue(vision)), TimeSpan.FromSeconds(parsed.GetRequiredValue(draw)), parsed.GetRequiredValue(burst),
        TimeSpan.FromSeconds(parsed.GetRequiredValue(limit)), parsed.GetRequiredValue(data)),
    Console.Out, cancellationToken));
root.Subcommands.Add(deskTasks);

var megabytes = new Option<int>("--megabytes") { Description = "Size of the file, at most 1,000", DefaultValueFactory = _ => 200 };
var upload = new Command("upload", "An upload straight to images beside cp of the same file") { rounds, megabytes };
upload.SetAction((parsed, cancellationToken) => UploadLoad.RunAsync(
    parsed.GetRequiredValue(rounds), Math.Clamp(parsed.GetRequiredValue(megabytes), 1, 1000), Console.Out, cancellationToken));
root.Subcommands.Add(upload);
return await root.Parse(args).InvokeAsync();

static Uri? Address(ArgumentResult result)
{
    if (!Uri.TryCreate(result.Tokens.Single().Value, UriKind.Absolute, out var address))
    {
        result.AddError($"{result.Tokens.Single().Value} is no address");
    }

    return address;
}
