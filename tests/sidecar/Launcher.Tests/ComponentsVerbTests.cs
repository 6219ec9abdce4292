using System.Text.Json;

namespace Launcher.Tests;

/// <summary><c>daprw components</c>: before a run, and while one lasts.</summary>
public sealed class ComponentsVerbTests
{
    [Fact]
    public async Task Shows_which_apps_see_a_component_and_names_every_mistake()
    {
        await using var run = new LaunchedRun();
        run.Template(
            LaunchedRun.Shell("cart", "exec sleep 1000", "resourcesPaths: [../parts],"), LaunchedRun.Shell("till", "exec sleep 1000", "resourcesPaths: [../parts],"));
        var parts = Directory.CreateDirectory(Path.Combine(run.Folder, "parts")).FullName;
        Component(parts, "store", "state.tandem", "scopes: [cart]");
        Component(parts, "bus", "pubsub.in-memory", "");
        Component(parts, "unused", "lock.tandem", "scopes: [nobody]");

        var table = await Verb.OutputAsync(run, "components", "-f", run.Folder);
        Assert.Matches(@"(?m)^store +state\.tandem +cart +\S*", table);
        Assert.Matches(@"(?m)^bus +pubsub\.in-memory +all +\S*", table);
        Assert.Matches(@"(?m)^unused +lock\.tandem +none of this template +\S*", table);

        Component(parts, "typo", "state.tandme", "");
        var (code, output) = await Verb.RunAsync(run, "components", "-f", run.Folder);
        Assert.Equal(1, code);
        Assert.Contains("daprw: component 'typo' (state.tandme, ", output, StringComparison.Ordinal);
        Assert.Contains("did you mean 'state.tandem'?", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_component_files_the_standard_ones_are_there_also_while_they_are_in_use()
    {
        await using var run = new LaunchedRun();
        run.Template(LaunchedRun.Shell("cart", "exec sleep 1000"));
        run.Start();
        await run.SeesAsync("ready: 1 apps");

        var report = JsonDocument.Parse(await Verb.OutputAsync(run, "components", "-f", run.Folder, "-o", "json")).RootElement;

        Assert.Equal(
            ["pubsub pubsub.tandem", "statestore state.tandem"],
            report.GetProperty("components").EnumerateArray().Select(component => $"{component.GetProperty("name")} {component.GetProperty("type")}"));
        Assert.Equal(0, report.GetProperty("problems").GetArrayLength());
    }

    private static void Component(string folder, string name, string type, string tail) => File.WriteAllText(
        Path.Combine(folder, $"{name}.yaml"),
        $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: {name}}}\nspec: {{type: {type}, version: v1, metadata: []}}\n{tail}\n");
}
