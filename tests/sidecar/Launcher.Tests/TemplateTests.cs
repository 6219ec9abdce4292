using Launcher.Templates;
using Sidecar.Abstractions;
using TestKit;

namespace Launcher.Tests;

public sealed class TemplateTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public TemplateTests()
    {
        foreach (var folder in (string[])["cart", "components/redis", "components/local", "components/rabbitmq", "own"])
        {
            Directory.CreateDirectory(Path.Combine(_temp.Path, folder));
        }
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Merges_common_settings_into_apps_and_the_app_wins()
    {
        var app = Read(
            """
            version: 1
            common:
              resourcesPaths: [./components/redis]
              env: {A: common, B: common}
              appHealthThreshold: 7
              appLogDestination: file
            apps:
              - {appDirPath: ./cart, appPort: 5001, env: {B: app}, enableAppHealthCheck: true, command: [dotnet, run]}
            """).Apps.Single();

        Assert.Equal("cart", app.AppId);
        Assert.Equal(5001, app.AppPort);
        Assert.Equal(["A=common", "B=app"], app.Env.Select(entry => $"{entry.Key}={entry.Value}").Order());
        Assert.Equal(7, app.Health!.Threshold);
        Assert.Equal(LogDestination.File, app.AppLog);
        Assert.Equal(Path.Combine(_temp.Path, "cart"), app.Directory);
    }

    [Theory]
    [InlineData("local")]
    [InlineData("rabbitmq")]
    public void The_chosen_set_takes_the_place_of_components_redis(string set)
    {
        var template = Read("{version: 1, common: {resourcesPaths: [./components/redis, ./own]}, apps: [{appDirPath: ./cart}]}", set);

        Assert.Equal([Path.Combine(_temp.Path, "components", set), Path.Combine(_temp.Path, "own")], template.Apps.Single().ResourcesPaths);
    }

    [Theory]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appPrt: 1}]}", "unknown field 'appPrt'; did you mean 'appPort'?")]
    [InlineData("{version: 1, commn: {}, apps: [{appDirPath: ./cart}]}", "unknown field 'commn'; did you mean 'common'?")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, nonsense: 1}]}", "unknown field 'nonsense'")]
    [InlineData("{version: 2, apps: [{appDirPath: ./cart}]}", "'version' must be 1")]
    [InlineData("{version: 1}", "'apps' must list at least one app")]
    [InlineData("{version: 1, apps: [{appID: cart}]}", "'appDirPath' is missing: it names the folder of the app")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart}, {appDirPath: ./own, appID: cart}]}", "app 'cart' is listed twice: give one of them another appID")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appPort: 70000}]}", "'appPort' must be a port between 1 and 65535")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appProtocol: grpc}]}", "'appProtocol' can only be http here")]
    [InlineData("{version: 1, common: {appSSL: true}, apps: [{appDirPath: ./cart}]}", "'appSSL' can only be false here")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appChannelAddress: 10.0.0.1}]}", "'appChannelAddress' can only be 127.0.0.1 here")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appMaxConcurrency: many}]}", "'appMaxConcurrency' must be a whole number")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, maxBodySize: big}]}", "'maxBodySize' must be a size such as 4Mi")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, enableApiLogging: maybe}]}", "'enableApiLogging' must be true or false")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appLogDestination: printer}]}", "'appLogDestination' must be one of file, console, fileAndConsole")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, env: [A]}]}", "'env' must be fields with texts")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, command: dotnet run}]}", "'command' must be a list of texts")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, dependsOn: [own]}, {appDirPath: ./own, appID: owner}]}", "'cart' waits for 'own', which is no app of this template")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, dependsOn: [own]}, {appDirPath: ./own, dependsOn: [cart]}]}",
        "apps wait for each other: cart -> own -> cart; take one 'dependsOn' out")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, logLevel: loud}]}", "'logLevel' must be one of debug, info, warn, error, fatal")]
    public void Refuses_what_it_does_not_understand_with_file_line_and_field(string yaml, string problem) =>
        Assert.Equal($"{File}:1: {problem}", Assert.Throws<LauncherException>(() => Read(yaml)).Message);

    [Theory]
    [InlineData("version: 1\napps:\n  - {appDirPath: ./cart}\n  - {appDirPath: ./gone}\n", 4, "folder {0}/gone does not exist")]
    [InlineData("version: 1\napps:\n  - appDirPath: ./cart\n    configFilePath: gone.yaml\n", 4, "configuration file {0}/cart/gone.yaml does not exist")]
    [InlineData("version: 1\napps:\n  - appDirPath: ./cart\n    resourcesPaths: [gone]\n", 4, "component folder {0}/cart/gone does not exist")]
    public void Names_a_missing_file_and_the_line_that_names_it(string yaml, int line, string problem) =>
        Assert.Equal($"{File}:{line}: {string.Format(null, problem, _temp.Path)}", Assert.Throws<LauncherException>(() => Read(yaml)).Message);

    [Theory]
    [InlineData("version: 1\napps:\n  - {appDirPath: ./cart}}\n", ":3: ")]
    [InlineData("version: 1\napps:\n  - {appDirPath: ./cart\n    appPort: 1\nname: x\n", ":")]
    [InlineData("version: 1\nname: a\nname: b\n", ":3: ")]
    [InlineData("\tversion: 1\n", ":1: ")]
    public void Names_the_line_in_which_the_file_stops_being_YAML(string yaml, string place)
    {
        var problem = Assert.Throws<LauncherException>(() => Read(yaml)).Message;

        Assert.StartsWith(File + place, problem, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', problem);
    }

    [Fact]
    public void Names_a_set_that_does_not_exist_and_those_that_do()
    {
        const string Yaml = "{version: 1, common: {resourcesPaths: [./components/redis]}, apps: [{appDirPath: ./cart}]}";

        Assert.Equal(
            $"{File}:1: component folder {Path.Combine(_temp.Path, "components", "kafka")} does not exist: choose a set with -c; there are local, rabbitmq, redis",
            Assert.Throws<LauncherException>(() => Read(Yaml, "kafka")).Message);
    }

    [Fact]
    public void Every_field_that_has_a_meaning_here_is_read()
    {
        System.IO.File.WriteAllText(Path.Combine(_temp.Path, "cart", "config.yaml"), "");
        var app = Read(
            """
            version: 1
            name: shop
            common: {appMaxConcurrency: 9, readBufferSize: 8Ki}
            apps:
              - appID: shopping-cart
                appDirPath: ./cart
                appPort: 5001
                daprHTTPPort: 3501
                daprGRPCPort: 50001
                appProtocol: http
                appChannelAddress: localhost
                appSSL: false
                command: [node, app.js]
                env: {A: b}
                resourcesPath: ../own
                configFilePath: config.yaml
                unixDomainSocket: ../sockets
                appMaxConcurrency: 3
                maxBodySize: 16Mi
                enableApiLogging: true
                logLevel: warn
                enableAppHealthCheck: true
                appHealthCheckPath: healthz
                appHealthProbeInterval: 1
                appHealthProbeTimeout: 200
                appHealthThreshold: 2
                daprdLogDestination: file
                appLogDestination: console
                dependsOn: []
            """);

        var cart = app.Apps.Single();
        Assert.Equal(("shop", "warn", LogDestination.File, null), (app.Name, app.LogLevel, app.SidecarLog, app.WithoutEffect));
        Assert.Equal(("shopping-cart", 5001, 3501, 50001), (cart.AppId, cart.AppPort, cart.HttpPort, cart.GrpcPort));
        Assert.Equal(["node", "app.js"], cart.Command);
        Assert.Equal("b", cart.Env["A"]);
        Assert.Equal([Path.Combine(_temp.Path, "own")], cart.ResourcesPaths);
        Assert.Equal(Path.Combine(_temp.Path, "cart", "config.yaml"), cart.ConfigFilePath);
        Assert.Equal((3, 16 * 1024 * 1024, 8 * 1024, true), (cart.MaxConcurrency, cart.MaxBodyBytes, cart.ReadBufferBytes, cart.ApiLogging));
        Assert.Equal(new AppHealthCheck("/healthz", 1, 200, 2), cart.Health);
        Assert.Equal(LogDestination.Console, cart.AppLog);
        Assert.Equal(Path.Combine(_temp.Path, "sockets"), cart.UnixDomainSocket);
    }

    [Fact]
    public void A_folder_whose_sockets_no_system_could_open_is_refused()
    {
        var deep = $"/{new string('d', 90)}";

        Assert.Equal(
            $"{File}:1: 'unixDomainSocket' {deep} is too long a path for sockets: choose a folder nearer to the root, such as /tmp/cart",
            Assert.Throws<LauncherException>(() => Read($"{{version: 1, apps: [{{appDirPath: ./cart, unixDomainSocket: {deep}}}]}}")).Message);
    }

    [Fact]
    public void What_belongs_to_a_cluster_is_accepted_and_told_in_one_line()
    {
        var template = Read(
            """
            version: 1
            common: {placementHostAddress: "localhost:50005", apiListenAddresses: 0.0.0.0}
            apps:
              - {appDirPath: ./cart, metricsPort: 9090, containerImage: shop/cart, createService: true, enableProfiling: false}
              - {appDirPath: ./own, metricsPort: 9091, apiListenAddresses: 127.0.0.1}
            """);

        Assert.Equal(
            "without effect in this run: placementHostAddress (actors need no placement service), apiListenAddresses (the sidecar listens on 127.0.0.1 only), "
            + "containerImage (for Kubernetes), createService (for Kubernetes)",
            template.WithoutEffect);
        Assert.Equal([9090, 9091], template.Apps.Select(app => app.MetricsPort));
    }

    [Fact]
    public void An_empty_zero_or_false_value_of_an_app_leaves_the_common_one()
    {
        var app = Read(
            """
            version: 1
            common: {appMaxConcurrency: 4, enableApiLogging: true, logLevel: debug}
            apps:
              - {appDirPath: ./cart, appMaxConcurrency: 0, enableApiLogging: false, logLevel: ""}
            """).Apps.Single();

        Assert.Equal((4, true, "debug"), (app.MaxConcurrency, app.ApiLogging, app.LogLevel));
    }

    [Fact]
    public void Resources_are_the_apps_own_then_its_conventional_folder_then_the_common_ones()
    {
        Directory.CreateDirectory(Path.Combine(_temp.Path, "own", ".dapr", "resources"));
        var apps = Read(
            """
            version: 1
            common: {resourcesPaths: [./components/rabbitmq]}
            apps:
              - {appDirPath: ./own, appID: a, resourcesPaths: [../cart]}
              - {appDirPath: ./own, appID: b}
              - {appDirPath: ./cart, appID: c}
            """).Apps;

        Assert.Equal(["cart", "own/.dapr/resources", "components/rabbitmq"], apps.Select(app => Path.GetRelativePath(_temp.Path, app.ResourcesPaths.Single())));
    }

    [Fact]
    public void One_sidecar_logs_as_much_as_the_most_talkative_app_asks_for()
    {
        var template = Read(
            """
            {version: 1, common: {logLevel: warn, daprdLogDestination: file},
             apps: [{appDirPath: ./cart}, {appDirPath: ./own, logLevel: debug}]}
            """);

        Assert.Equal(("debug", LogDestination.File), (template.LogLevel, template.SidecarLog));
    }

    private string File => Path.Combine(_temp.Path, "dapr.yaml");

    private RunTemplate Read(string yaml, string set = "local")
    {
        System.IO.File.WriteAllText(File, yaml);
        return TemplateReader.Read(_temp.Path, set);
    }
}
