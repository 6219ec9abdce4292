using System.Net;
using System.Net.Sockets;
using Launcher.Data;

namespace Launcher.Tests;

public sealed class StartTests
{
    [Fact]
    public async Task Refuses_a_second_run_and_names_the_first()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"));
        run.Start();
        await run.SeesAsync("ready: 1 apps");
        await using var second = new LaunchedRun();

        second.StartVerb("run", "-f", run.Folder, "--no-build");

        Assert.Equal(1, await second.ExitsAsync());
        Assert.Contains($"in use by the run with pid {run.Pid}", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replaces_a_taken_port_and_says_so()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("shop", "echo port=$APP_PORT; exec sleep 1000", $"appPort: {port},"));
        run.Start();

        var output = await run.SeesAsync("port=");

        Assert.Contains($"app port {port} of shop is taken", output, StringComparison.Ordinal);
        Assert.DoesNotContain($"port={port}", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Taken_port_of_the_gateway_is_an_error_that_names_the_holder()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("gateway", "exec sleep 1000", $"appPort: {port},"));
        run.Start();

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains($"port {port} of the gateway is taken by", run.Output, StringComparison.Ordinal);
        Assert.Contains("--gateway-port", run.Output, StringComparison.Ordinal);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the holder is found through /proc");
        Assert.Contains($"pid {Environment.ProcessId}", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Settings_of_another_program_in_the_folder_are_not_the_sidecars()
    {
        await using var run = new LaunchedRun();
        await File.WriteAllTextAsync(Path.Combine(run.Folder, "appsettings.json"), "not even JSON", TestContext.Current.CancellationToken);
        run.Template(LaunchedRun.Shell("one", "exec sleep 1000"));
        run.Start();

        await run.SeesAsync("ready: 1 apps");
        Assert.DoesNotContain("sidecar exited", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gives_apps_their_environment_and_keeps_secrets_private()
    {
        await using var run = new LaunchedRun();
        run.Template(
            LaunchedRun.Shell("shop", "echo id=$APP_ID other=$services__shop_till__http__0 no=$NO_PROXY token=${#DAPR_API_TOKEN} own=$OWN; exec sleep 1000", "env: {OWN: yes},"),
            "appID: shop-till, appPort: 1234");
        run.Start();

        await run.SeesAsync("id=shop other=http://127.0.0.1:1234 no=");
        Assert.Contains("token=64 own=yes", run.Output, StringComparison.Ordinal);
        var owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(owner, File.GetUnixFileMode(run.Data.Secrets));
        Assert.Equal(owner, File.GetUnixFileMode(run.Data.SidecarRun));
    }

    [Fact]
    public async Task Variables_with_names_that_a_shell_drops_reach_the_app()
    {
        await using var run = new LaunchedRun();
        run.Template("appID: shop, command: [env], env: {Logging__LogLevel__My.App: a value}");
        run.Start("--no-restart");

        await run.SeesAsync("Logging__LogLevel__My.App=a value");
        await run.SeesAsync("APP_ID=shop");
        await run.ExitsAsync();
    }

    [Fact]
    public async Task Builds_and_runs_a_project_in_a_path_with_spaces()
    {
        await using var run = new LaunchedRun();
        run.Template("appID: hello, command: [dotnet, run]");
        var app = Path.Combine(run.Folder, "app");
        await File.WriteAllTextAsync(
            Path.Combine(app, "My Hello.csproj"),
            "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>");
        await File.WriteAllTextAsync(
            Path.Combine(app, "Program.cs"),
            "System.Console.WriteLine(\"hello from \" + System.Environment.GetEnvironmentVariable(\"APP_ID\")); System.Threading.Thread.Sleep(-1);");

        run.StartVerb("run", "-f", run.Folder);

        await run.SeesAsync("hello from hello");
        await run.SeesAsync("ready: 1 apps");
    }

    [Fact]
    public async Task Unknown_field_is_one_line_that_names_it()
    {
        await using var run = new LaunchedRun();
        run.Template("appID: shop, appPrt: 80");
        run.Start();

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains("dapr.yaml:3: unknown field 'appPrt'; did you mean 'appPort'?", run.Output, StringComparison.Ordinal);
        Assert.Single(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Another_data_directory_takes_all_data()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("shop", "exec sleep 1000", "resourcesPaths: [../parts],"));
        var parts = Directory.CreateDirectory(Path.Combine(run.Folder, "parts")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(parts, "secrets.yaml"),
            "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: secrets}\nspec:\n  type: secretstores.local.file\n  version: v1\n"
            + "  metadata:\n    - {name: secretsFile, value: .data/secrets.json}\n");
        var other = new DataDirectory(Path.Combine(run.Folder, "other data"));

        run.Start("--data-dir", other.Root);

        await run.SeesAsync("ready: 1 apps");
        Assert.False(Directory.Exists(run.Data.Root));
        Assert.True(File.Exists(other.Secrets));
    }

    [Fact]
    public async Task A_component_that_cannot_start_ends_the_run_at_once_with_the_reason_and_no_app_has_started()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("shop", "echo must not start; exec sleep 1000", "resourcesPaths: [../parts],"));
        var parts = Directory.CreateDirectory(Path.Combine(run.Folder, "parts")).FullName;
        await File.WriteAllTextAsync(
            Path.Combine(parts, "store.yaml"), "kind: Component\nmetadata: {name: store}\nspec: {type: state.tandme, version: v1}\n", TestContext.Current.CancellationToken);

        run.Start();

        Assert.Equal(1, await run.ExitsAsync());
        Assert.Contains(
            $"daprw: the sidecar cannot start: component 'store' (state.tandme, {parts}/store.yaml): the type is unknown; did you mean 'state.tandem'?",
            run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("starts again", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("must not start", run.Output, StringComparison.Ordinal);
    }
}
