using System.Diagnostics;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>Mistakes in component files: the start fails with one line that names the place and says what to do.</summary>
public sealed class BadInputTests
{
    [Fact]
    public async Task An_unknown_type_is_told_with_the_nearest_one()
    {
        await using var run = new TestRun().Component("store", "state.in-memroy");

        Assert.StartsWith(
            $"component 'store' (state.in-memroy, {run.Folder}/store.yaml): the type is unknown; did you mean 'state.in-memory'?; this sidecar has: ",
            await ProblemAsync(run), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_used_twice_is_told_with_both_files()
    {
        await using var run = new TestRun().Component("store", "state.in-memory");
        run.Yaml("zweite.yaml", await File.ReadAllTextAsync(Path.Combine(run.Folder, "store.yaml"), TestContext.Current.CancellationToken));

        Assert.Equal(
            $"component 'store' (state.in-memory, {run.Folder}/zweite.yaml): the name is used twice, also in {run.Folder}/store.yaml: "
            + "rename one of them, or give them different scopes",
            await ProblemAsync(run));
    }

    [Fact]
    public async Task A_file_that_is_no_YAML_is_told_with_its_line()
    {
        await using var run = new TestRun().Yaml("broken.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: store\nspec: {}\n");

        var problem = await ProblemAsync(run);

        Assert.Matches($"^{run.Folder}/broken.yaml:[345]: ", problem);
        Assert.DoesNotContain('\n', problem);
    }

    [Theory]
    [InlineData("61 * * * * *", "61")]
    [InlineData("@sometimes", "@sometimes")]
    public async Task A_schedule_that_is_none_is_told_with_its_component_and_examples(string schedule, string shown)
    {
        await using var run = new TestRun().Component("sweep", "bindings.cron", $"schedule={schedule}");

        Assert.Equal(
            $"component 'sweep' (bindings.cron, {run.Folder}/sweep.yaml): schedule '{shown}' is not understood (examples: @every 5s, @daily, 0 30 * * * *)",
            await ProblemAsync(run));
    }

    [Fact]
    public async Task Secret_stores_that_take_their_secrets_from_each_other_are_told_as_a_circle()
    {
        await using var run = new TestRun()
            .Yaml("a.yaml", FromStore("a", "b")).Yaml("b.yaml", FromStore("b", "c")).Yaml("c.yaml", FromStore("c", "a"));

        Assert.Equal(
            $"component 'a' (secretstores.local.file, {run.Folder}/a.yaml): secret stores take their secrets from each other: a -> b -> c -> a; "
            + "write one of the values into its file, or take it from the environment with envRef",
            await ProblemAsync(run));
    }

    [Fact]
    public async Task A_secret_store_that_takes_its_secrets_from_another_one_starts_after_it_whatever_the_files_are_named()
    {
        await using var run = new TestRun()
            .Yaml("a.yaml", FromStore("a", "z")).Component("z", "secretstores.local.file", "secretsFile=first.json")
            .Yaml("first.json", """{"place":"second.json"}""").Yaml("second.json", """{"k":"v"}""");
        await run.AppAsync("app");
        await run.StartAsync();
        using var http = run.Client();

        Assert.Equal("""{"k":"v"}""", await http.GetStringAsync("/v1.0/secrets/a/k", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_missing_file_is_told_by_its_path()
    {
        await using var run = new TestRun().Component("vault", "secretstores.local.file", "secretsFile=gone.json");

        var problem = await ProblemAsync(run);

        Assert.StartsWith($"component 'vault' (secretstores.local.file, {run.Folder}/vault.yaml): ", problem, StringComparison.Ordinal);
        Assert.Contains($"{run.Folder}/gone.json", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_configuration_file_is_told_by_its_path()
    {
        await using var run = new TestRun();
        await run.AppAsync("app", configuration: "gone.yaml");

        var exception = await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync());

        Assert.Equal($"the configuration file {run.Folder}/gone.yaml does not exist", exception.Message);
    }

    [Fact]
    public async Task A_server_that_starts_late_is_tried_again_until_it_is_there()
    {
        var tries = 0;
        await using var run = new TestRun
        {
            Types = registry => registry.Add("lock.late", _ => new LateServer(() => ++tries < 3 ? new SocketException((int)SocketError.ConnectionRefused) : null)),
        }.Component("lock", "lock.late", tail: "  initTimeout: 1m\n");
        await run.AppAsync("app");

        await run.StartAsync();

        Assert.Equal(3, tries);
        Assert.Contains(run.Log, line => line.Contains("Component lock (lock.late) cannot start yet, trying again: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_does_not_come_ends_the_start_after_the_init_timeout()
    {
        await using var run = new TestRun
        {
            Types = registry => registry.Add("lock.late", _ => new LateServer(() => new SocketException((int)SocketError.ConnectionRefused))),
        };
        run.Yaml("lock.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: lock}\nspec: {type: lock.late, version: v1, initTimeout: 500ms}\n");

        var problem = await ProblemAsync(run);
        Assert.StartsWith($"component 'lock' (lock.late, {run.Folder}/lock.yaml): ", problem, StringComparison.Ordinal);
        Assert.EndsWith("(tried for 0.5 s; start the server, or raise initTimeout)", problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_starts_with_the_run_is_waited_for_beyond_the_init_timeout()
    {
        var begin = Stopwatch.GetTimestamp();
        await using var run = new TestRun
        {
            ServerWait = TimeSpan.FromMinutes(1),
            Types = registry => registry.Add(
                "lock.late", _ => new LateServer(() => Stopwatch.GetElapsedTime(begin) < TimeSpan.FromSeconds(1) ? new SocketException((int)SocketError.ConnectionRefused) : null)),
        };
        run.Yaml("lock.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: lock}\nspec: {type: lock.late, version: v1, initTimeout: 100ms}\n");
        await run.AppAsync("app");

        await run.StartAsync();

        Assert.Single(run.Sidecar.Apps[0].Components.All);
    }

    [Fact]
    public async Task An_attempt_that_was_cut_short_is_made_again_while_servers_are_waited_for()
    {
        var tries = 0;
        await using var run = new TestRun
        {
            ServerWait = TimeSpan.FromMinutes(1),
            Types = registry => registry.Add("lock.slow", _ => ++tries == 1 ? (IComponent)new SilentServer() : new LateServer(() => null)),
        }.Component("lock", "lock.slow", tail: "  initTimeout: 100ms\n");
        await run.AppAsync("app");

        await run.StartAsync();

        Assert.Equal(2, tries);
        Assert.Contains(run.Log, line => line.EndsWith("cannot start yet, trying again: 127.0.0.1:1 does not answer", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("state.late", "GET", "/v1.0/state/late/k")]
    [InlineData("pubsub.late", "POST", "/v1.0/publish/late/t")]
    [InlineData("bindings.late", "POST", "/v1.0/bindings/late")]
    [InlineData("secretstores.late", "GET", "/v1.0/secrets/late/s")]
    [InlineData("configuration.late", "GET", "/v1.0/configuration/late?key=k")]
    public async Task With_ignoreErrors_the_app_starts_and_the_component_says_why_it_is_not_there(string type, string verb, string path)
    {
        var made = new List<LateServer>();
        await using var run = new TestRun
        {
            ServerWait = TimeSpan.FromMinutes(5),
            Types = registry => registry.Add(type, _ =>
            {
                made.Add(new LateServer(() => new SocketException((int)SocketError.ConnectionRefused)));
                return made[^1];
            }),
        }.Component("good", "state.in-memory").Component("bus", "pubsub.in-memory");
        run.Yaml("late.yaml", $"apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {{name: late}}\nspec: {{type: {type}, version: v1, initTimeout: 300ms, ignoreErrors: true}}\n");
        await run.AppAsync("app");

        await run.StartAsync();

        using var http = run.Client();
        using var other = await http.PostAsJsonAsync("/v1.0/state/good", new[] { new { key = "k", value = 1 } });
        Assert.True(other.IsSuccessStatusCode);
        using var request = new HttpRequestMessage(new HttpMethod(verb), path) { Content = verb == "POST" ? JsonContent.Create(new { operation = "create", data = 1 }) : null };
        using var response = await http.SendAsync(request);
        Assert.False(response.IsSuccessStatusCode);
        Assert.Contains(
            "component 'late' was left out at the start (ignoreErrors): ", (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.All(made, server => Assert.True(server.IsDisposed));
    }

    [Fact]
    public async Task A_server_that_accepts_and_never_answers_is_named_after_the_init_timeout()
    {
        await using var run = new TestRun { Types = registry => registry.Add("lock.silent", _ => new SilentServer()) };
        run.Yaml("lock.yaml", "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: {name: lock}\nspec: {type: lock.silent, version: v1, initTimeout: 100ms}\n");

        Assert.Equal($"component 'lock' (lock.silent, {run.Folder}/lock.yaml): 127.0.0.1:1 does not answer", await ProblemAsync(run));
    }

    private static async Task<string> ProblemAsync(TestRun run)
    {
        await run.AppAsync("app");
        return (await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync())).Message;
    }

    private static string FromStore(string name, string other) =>
        $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata: {name: {{name}}}
        spec:
          type: secretstores.local.file
          version: v1
          metadata:
            - name: secretsFile
              secretKeyRef: {name: place, key: place}
        auth: {secretStore: {{other}}}
        """;

    private sealed class LateServer(Func<Exception?> connect) : IComponent
    {
        public Task InitAsync(CancellationToken cancellationToken) => connect() is { } failure ? Task.FromException(failure) : Task.CompletedTask;

        public bool IsDisposed { get; private set; }

        public ValueTask DisposeAsync()
        {
            IsDisposed = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class SilentServer : IComponent
    {
        public async Task InitAsync(CancellationToken cancellationToken)
        {
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new ComponentException("127.0.0.1:1 does not answer");
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
