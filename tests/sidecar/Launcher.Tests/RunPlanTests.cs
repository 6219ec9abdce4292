using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Launcher.Data;
using Launcher.Run;
using Launcher.Templates;
using LocalServers;

namespace Launcher.Tests;

/// <summary>Ports, tokens and environment of a run.</summary>
public sealed class RunPlanTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Ports _ports = new();

    public RunPlanTests() => _listener.Start();

    private int Taken => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose()
    {
        _ports.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public void A_port_belongs_to_the_run_that_chose_it_before_anybody_listens()
    {
        var port = _ports.TakeFree();
        using (var other = new Ports())
        {
            Assert.False(other.TryTake(port));
            Assert.NotEqual(port, Make([App("cart", port)], new RunOptions(), other).Instances[0].AppPort);

            _ports.Dispose();

            Assert.True(other.TryTake(port));
        }

        Assert.True(_ports.TryTake(port));
    }

    [Fact]
    public void The_gateway_can_be_given_another_port()
    {
        var free = FreePort.Next();
        var plan = Make([App("gateway", Taken)], new RunOptions { GatewayPort = free });

        Assert.Equal($"http://localhost:{free}", plan.Gateway);
        Assert.Equal(plan.Gateway, plan.EnvironmentOf(plan.Instances[0])["PUBLIC_BASE_URL"]);
    }

    [Fact]
    public void Every_replica_has_its_own_ports_and_api_token_and_all_are_announced()
    {
        var plan = Make([App("event-router", FreePort.Next())], new RunOptions { Replicas = new Dictionary<string, int> { ["event-router"] = 3 } });

        Assert.Equal(9, plan.Instances.SelectMany(instance => (int?[])[instance.AppPort, instance.HttpPort, instance.GrpcPort]).Distinct().Count());
        Assert.Equal(3, plan.Instances.Select(instance => instance.ApiToken).Distinct().Count());
        var env = plan.EnvironmentOf(plan.Instances[2]);
        foreach (var instance in plan.Instances)
        {
            Assert.Equal($"http://127.0.0.1:{instance.AppPort}", env[$"services__event_router__http__{instance.Index}"]);
        }
    }

    [Fact]
    public void An_app_is_told_who_it_is_and_how_to_reach_its_sidecar()
    {
        var app = App("cart", FreePort.Next()) with { Env = new Dictionary<string, string> { ["OTEL_SERVICE_NAME"] = "by-hand" } };
        var plan = Plan(app);
        var instance = plan.Instances.Single();
        var env = plan.EnvironmentOf(instance);

        Assert.Equal("cart", env["APP_ID"]);
        Assert.Equal(Text(instance.AppPort!.Value), env["APP_PORT"]);
        Assert.Equal(Text(instance.HttpPort), env["DAPR_HTTP_PORT"]);
        Assert.Equal(Text(instance.GrpcPort), env["DAPR_GRPC_PORT"]);
        Assert.Equal((instance.ApiToken, instance.AppToken), (env["DAPR_API_TOKEN"], env["APP_API_TOKEN"]));
        Assert.Equal("by-hand", env["OTEL_SERVICE_NAME"]);
        Assert.All(["NO_PROXY", "no_proxy"], name => Assert.Contains("127.0.0.1", env[name]!.Split(',')));
        Assert.Equal("0", env["DOTNET_ThreadPool_UnfairSemaphoreSpinLimit"]);
        // An endpoint from the developer's shell would win over the ports.
        Assert.Null(env["DAPR_HTTP_ENDPOINT"]);
        Assert.Null(env["DAPR_GRPC_ENDPOINT"]);
    }

    [Fact]
    public void Places_of_this_run_win_over_those_that_the_template_has_for_the_dapr_cli()
    {
        var app = App("cart", FreePort.Next()) with
        {
            Env = new Dictionary<string, string> { ["services__cart__http__0"] = "http://127.0.0.1:1", ["Images__ObjectsPath"] = "../../.data/objects" },
        };
        var plan = Plan(app);
        var env = plan.EnvironmentOf(plan.Instances.Single());

        Assert.Equal($"http://127.0.0.1:{plan.Instances[0].AppPort}", env["services__cart__http__0"]);
        Assert.NotEqual("../../.data/objects", env["Images__ObjectsPath"]);
    }

    [Fact]
    public void Tokens_are_new_in_every_run()
    {
        var app = App("cart", null);

        Assert.NotEqual(Plan(app).Instances[0].ApiToken, Plan(app).Instances[0].ApiToken);
    }

    [Fact]
    public void A_token_that_the_template_gives_is_the_sidecars_too_so_that_an_app_under_a_debugger_can_know_it()
    {
        var app = App("cart", null) with { Env = new Dictionary<string, string> { ["DAPR_API_TOKEN"] = "mine", ["APP_API_TOKEN"] = "also mine" } };

        Assert.Equal(("mine", "also mine"), (Plan(app).Instances[0].ApiToken, Plan(app).Instances[0].AppToken));
    }

    [Fact]
    public void Replicas_of_an_unknown_app_are_refused() =>
        Assert.Equal(
            "--replicas: no app 'crat' in the template; it has cart",
            Assert.Throws<LauncherException>(() => Make([App("cart", null)], new RunOptions { Replicas = new Dictionary<string, int> { ["crat"] = 2 } })).Message);

    private RunPlan Plan(params TemplateApp[] apps) => Make(apps, new RunOptions());

    private RunPlan Make(TemplateApp[] apps, RunOptions options) => Make(apps, options, _ports);

    private static RunPlan Make(TemplateApp[] apps, RunOptions options, Ports ports) =>
        RunPlan.Make(new RunTemplate("/", "info", LogDestination.FileAndConsole, apps), options, new DataDirectory("/data"), ports, _ => { });

    private static TemplateApp App(string id, int? port) => new()
    {
        AppId = id,
        Directory = "/",
        Command = ["true"],
        AppPort = port,
        Env = new Dictionary<string, string>(),
        ResourcesPaths = [],
    };

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
