using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Sidecar.Abstractions;
using Sidecar.Api.Tests;

namespace Sidecar.Runtime.Tests;

/// <summary>The Configuration resource of an app: what it may read, and what is refused because it would not be kept.</summary>
public sealed class ConfigurationResourceTests
{
    [Theory]
    [InlineData("allowedSecrets: [one]", "one")]
    [InlineData("allowedSecrets: [one], deniedSecrets: [one]", "one")]
    [InlineData("deniedSecrets: [one]", "two three")]
    [InlineData("defaultAccess: deny", "")]
    [InlineData("defaultAccess: Deny, allowedSecrets: [two]", "two")]
    [InlineData("defaultAccess: allow", "one two three")]
    public async Task Secrets_are_read_within_the_scope_of_the_store(string scope, string readable)
    {
        await using var run = Vault(("scoped.yaml", $$"""secrets: {scopes: [{storeName: vault, {{scope}}}]}"""));
        await run.AppAsync("scoped", configuration: "scoped.yaml");
        await run.AppAsync("open");
        await run.StartAsync();
        using var http = run.Client();
        using var other = run.Client(1);

        foreach (var key in (string[])["one", "two", "three"])
        {
            using var response = await http.GetAsync($"/v1.0/secrets/vault/{key}");
            Assert.Equal(readable.Contains(key, StringComparison.Ordinal) ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await other.GetAsync($"/v1.0/secrets/vault/{key}")).StatusCode);
        }

        var bulk = await http.GetAsync("/v1.0/secrets/vault/bulk").JsonAsync();
        Assert.Equal(readable.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), bulk.EnumerateObject().Select(secret => secret.Name).Order());
    }

    [Fact]
    public async Task A_refused_secret_is_an_error_that_names_it()
    {
        await using var run = Vault(("c.yaml", "secrets: {scopes: [{storeName: vault, defaultAccess: deny}]}"));
        await run.AppAsync("app", configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();

        var error = await http.GetAsync("/v1.0/secrets/vault/one").JsonAsync();

        Assert.Equal("ERR_PERMISSION_DENIED", error.GetProperty("errorCode").GetString());
        Assert.Equal("access denied by policy to get one from vault", error.GetProperty("message").GetString());
    }

    [Theory]
    [InlineData("api: {allowed: [{name: stat, version: v1}]}", "spec.api names 'stat'; the APIs are invoke, state,")]
    [InlineData("api: {denied: [{name: state, version: v1, protocol: tcp}]}", "spec.api has a rule for 'tcp'; the protocols are http and grpc")]
    [InlineData("accessControl: {policies: [{appId: a, defaultAction: deny}]}", "lacks appId, trustDomain or namespace")]
    [InlineData("accessControl: {policies: [{appId: a, trustDomain: t, namespace: n, operations: [{name: /a}]}]}", "operation /a of spec.accessControl for a has no action, allow or deny")]
    [InlineData("accessControl: {policies: [{appId: a, trustDomain: t, namespace: n, operations: [{action: deny}]}]}", "an operation of spec.accessControl for a has no name")]
    [InlineData("accessControl: {defaultAction: maybe}", "spec.accessControl says 'maybe', not allow or deny")]
    [InlineData("secrets: {scopes: [{defaultAccess: deny}]}", "has no storeName")]
    [InlineData("workflow: {stateRetentionPolicy: {completed: soon}}", "spec.workflow.stateRetentionPolicy.completed 'soon' is not a duration")]
    [InlineData("workflow: {maxConcurrentActivityInvocations: 0}", "spec.workflow.maxConcurrentActivityInvocations '0' is not a number from 1 on")]
    [InlineData("workflow: {maxConcurrentWorkflowInvocations: many}", "spec.workflow.maxConcurrentWorkflowInvocations 'many' is not a number from 1 on")]
    public async Task What_would_not_be_kept_stops_the_start(string spec, string problem)
    {
        await using var run = Vault(("c.yaml", spec));
        await run.AppAsync("app", configuration: "c.yaml");

        Assert.Contains(problem, (await Assert.ThrowsAsync<ComponentException>(() => run.StartAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("api: {allowed: [{name: secrets, version: v1}]}", "secrets")]
    [InlineData("api: {allowed: [{name: metadata, version: v1.0, protocol: http}, {name: invoke, version: v1}]}", "metadata invoke")]
    [InlineData("api: {denied: [{name: secrets, version: v1}]}", "metadata lock invoke")]
    [InlineData("api: {denied: [{name: lock, version: v1alpha1}], allowed: [{name: lock, version: v1alpha1}, {name: metadata, version: v1}]}", "metadata")]
    [InlineData("api: {allowed: [{name: lock, version: v1.0-alpha1}]}", "lock")]
    public async Task Only_the_apis_of_the_lists_are_there(string spec, string allowed)
    {
        await using var run = Vault(("c.yaml", spec)).Component("locks", "lock.tandem");
        await run.AppAsync("app", app => app.MapGet("/hello", () => "hello"), configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();
        using var body = JsonContent.Create(new { resourceId = "r", lockOwner = "o", expiryInSeconds = 10 });
        using var byHeader = new HttpRequestMessage(HttpMethod.Get, "/hello") { Headers = { { "dapr-app-id", "app" } } };

        Assert.Equal(HttpStatusCode.NoContent, (await http.GetAsync("/v1.0/healthz")).StatusCode);
        await SeesAsync("secrets", http.GetAsync("/v1.0/secrets/vault/one"));
        await SeesAsync("secrets", http.GetAsync("/V1.0/Secrets/vault/one"));
        await SeesAsync("metadata", http.GetAsync("/v1.0/metadata"));
        await SeesAsync("lock", http.PostAsync("/v1.0-alpha1/lock/locks", body));
        await SeesAsync("invoke", http.GetAsync("/v1.0/invoke/app/method/hello"));
        await SeesAsync("invoke", http.SendAsync(byHeader));

        async Task SeesAsync(string api, Task<HttpResponseMessage> call)
        {
            using var response = await call;
            if (allowed.Contains(api, StringComparison.Ordinal))
            {
                Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                return;
            }

            Assert.Equal((HttpStatusCode.NotFound, "ERR_DIRECT_INVOKE"), (response.StatusCode, (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errorCode").GetString()));
        }
    }

    [Theory]
    [InlineData("terminated: 0s", HttpStatusCode.NotFound)]
    [InlineData("completed: 0s", HttpStatusCode.OK)]
    public async Task Ended_workflows_are_kept_as_long_as_the_policy_says(string policy, HttpStatusCode later)
    {
        await using var run = Vault(("c.yaml", $"workflow: {{stateRetentionPolicy: {{{policy}}}}}")).Component("store", "state.in-memory", "actorStateStore=true");
        await run.AppAsync("app", configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.Accepted, (await http.PostAsync("/v1.0/workflows/dapr/Order/start?instanceID=one", null)).StatusCode);
        Assert.Equal(HttpStatusCode.Accepted, (await http.PostAsync("/v1.0/workflows/dapr/one/terminate", null)).StatusCode);

        await WaitAsync(async () => (await http.GetAsync("/v1.0/workflows/dapr/one")) is var response && response.StatusCode == later
            && (later != HttpStatusCode.OK || (await response.Content.ReadAsStringAsync()).Contains("TERMINATED", StringComparison.Ordinal)));
    }

    private static async Task WaitAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    [Fact]
    public async Task A_file_without_a_configuration_stops_the_start()
    {
        await using var missing = Vault();
        await missing.AppAsync("app", configuration: "nothing.yaml");
        Assert.EndsWith("nothing.yaml does not exist", (await Assert.ThrowsAsync<ComponentException>(() => missing.StartAsync())).Message, StringComparison.Ordinal);

        await using var other = Vault();
        await other.AppAsync("app", configuration: "vault.yaml");
        Assert.EndsWith("has no resource of kind Configuration", (await Assert.ThrowsAsync<ComponentException>(() => other.StartAsync())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}", "GET /a", true)]
    [InlineData("{defaultAction: deny}", "GET /a", false)]
    [InlineData("{trustDomain: public}", "GET /a", false)]
    [InlineData("{policies: []}", "GET /a", true)]
    [InlineData("{policies: [{appId: other, trustDomain: public, namespace: default, defaultAction: allow}]}", "GET /a", false)]
    [InlineData("{policies: [{appId: caller, trustDomain: public, namespace: default, defaultAction: allow}]}", "GET /a", true)]
    [InlineData("{defaultAction: allow, policies: [{appId: caller, trustDomain: other, namespace: default, defaultAction: deny}]}", "GET /a", true)]
    [InlineData("{defaultAction: allow, policies: [{appId: caller, trustDomain: public, namespace: other, defaultAction: deny}]}", "GET /a", true)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a, httpVerb: [GET], action: allow}]}]}", "GET /a", true)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a, httpVerb: [GET], action: allow}]}]}", "POST /a", false)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: a/*, httpVerb: ['*'], action: allow}]}]}", "POST /A/b", true)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a/*, httpVerb: ['*'], action: allow}]}]}", "GET /a/b/c", false)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a/**, httpVerb: ['*'], action: allow}]}]}", "GET /a/b/c?d=e", true)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a/**, httpVerb: ['*'], action: allow}, {name: /a/b, httpVerb: [GET], action: deny}]}]}", "GET /a/b", false)]
    [InlineData("{defaultAction: deny, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /a/**, httpVerb: ['*'], action: allow}]}]}", "GET /a/%2e%2e/b", false)]
    [InlineData("{defaultAction: allow, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /secret, httpVerb: ['*'], action: deny}]}]}", "GET //s%65CRET/", false)]
    public async Task Access_control_of_the_callee_decides(string access, string request, bool allowed)
    {
        await using var run = Vault(("c.yaml", $"accessControl: {access}"));
        await run.AppAsync("caller");
        await run.AppAsync("callee", app => app.Map("/{**rest}", () => "hello"), configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();
        var (verb, path) = request.Split(' ') is [var first, var second] ? (first, second) : default;
        var uri = new Uri($"{http.BaseAddress}v1.0/invoke/callee/method{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

        using var response = await http.SendAsync(new HttpRequestMessage(new HttpMethod(verb), uri));

        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);
        if (!allowed)
        {
            var error = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal("ERR_DIRECT_INVOKE", error.GetProperty("errorCode").GetString());
            Assert.Contains("access control policy has denied access to appid: caller", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_protects_nothing_here_is_skipped()
    {
        await using var run = Vault(("c.yaml", "{tracing: {samplingRate: \"0.1\"}, metrics: {enabled: true}, accessControl: {defaultAction: allow, trustDomain: public}, mtls: {enabled: true}}"));
        // Not the name of another test's app, whose spans would be sampled at this rate.
        await run.AppAsync("skipping", configuration: "c.yaml");
        await run.StartAsync();
        using var http = run.Client();

        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/v1.0/secrets/vault/one")).StatusCode);
    }

    private static TestRun Vault(params (string File, string Spec)[] configurations)
    {
        var run = new TestRun().Component("vault", "secretstores.local.file", "secretsFile=secrets.json")
            .Yaml("secrets.json", """{"one":"1","two":"2","three":"3"}""");
        foreach (var (file, spec) in configurations)
        {
            run.Yaml(file, $"apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: c}}\nspec: {(spec.StartsWith('{') ? spec : "{" + spec + "}")}\n");
        }

        return run;
    }
}
