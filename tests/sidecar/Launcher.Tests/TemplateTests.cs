using Launcher.Templates;
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
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appPrt: 1}]}", "unknown field 'appPrt'")]
    [InlineData("{version: 1, commn: {}, apps: [{appDirPath: ./cart}]}", "unknown field 'commn'")]
    [InlineData("{version: 2, apps: [{appDirPath: ./cart}]}", "'version' must be 1")]
    [InlineData("{version: 1}", "'apps' must list at least one app")]
    [InlineData("{version: 1, apps: [{appID: cart}]}", "'appDirPath' is missing")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart}, {appDirPath: ./own, appID: cart}]}", "app 'cart' is listed twice")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appPort: 70000}]}", "'appPort' must be a port between 1 and 65535")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, appProtocol: grpc}]}", "'appProtocol' can only be http here")]
    [InlineData("{version: 1, common: {appSSL: true}, apps: [{appDirPath: ./cart}]}", "'appSSL' can only be false here")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, unixDomainSocket: /tmp}]}", "'unixDomainSocket' is not supported")]
    [InlineData("{version: 1, apps: [{appDirPath: ./cart, logLevel: loud}]}", "'logLevel' must be one of debug, info, warn, error, fatal")]
    public void Refuses_what_it_does_not_understand_with_file_line_and_field(string yaml, string problem) =>
        Assert.Equal($"{File}:1: {problem}", Assert.Throws<LauncherException>(() => Read(yaml)).Message);

    [Fact]
    public void Names_a_set_that_does_not_exist()
    {
        const string Yaml = "{version: 1, common: {resourcesPaths: [./components/redis]}, apps: [{appDirPath: ./cart}]}";

        Assert.Equal(
            $"component folder {Path.Combine(_temp.Path, "components", "kafka")} does not exist: choose a set that exists with -c",
            Assert.Throws<LauncherException>(() => Read(Yaml, "kafka")).Message);
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
