using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Sidecar.Api.Tests.Doors;
using Tandem.Protocol.Grpc;

namespace Sidecar.Api.Tests;

public sealed class InvocationOverHttp() : InvocationSuite(HttpDoor.Open);

public sealed class InvocationOverGrpc() : InvocationSuite(GrpcDoor.Open);

/// <summary>Service invocation of apps that speak HTTP (dapr-http §4, grpc §1.4).</summary>
public abstract class InvocationSuite(Func<TestRun, int, Door> open) : DoorSuite(open)
{
    private const string TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    protected override async Task<TestRun> CreateAsync()
    {
        var run = new TestRun().Yaml("guarded.yaml", """
            apiVersion: dapr.io/v1alpha1
            kind: Configuration
            metadata: {name: c}
            spec: {accessControl: {defaultAction: allow, policies: [{appId: caller, trustDomain: public, namespace: default, operations: [{name: /no, httpVerb: ['*'], action: deny}]}]}}
            """);
        await run.AppAsync("caller");
        await run.AppAsync("callee", app => app.Map("/{**path}", EchoAsync), configuration: "guarded.yaml");
        return run;
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    [InlineData("OPTIONS")]
    public async Task Method_path_query_headers_and_body_arrive_and_the_answer_comes_back(string verb)
    {
        var body = verb == "GET" ? null : "body";
        var answer = await Door.InvokeAsync(
            "callee", new HttpMethod(verb), "a/b%2Fc", "x=1%202&y", body, "text/plain",
            ("x-question", "q"), ("dapr-caller-app-id", "forged"), ("dapr-api-token", "forged"), ("traceparent", TraceParent));

        Assert.Equal(
            $"{verb}|/a/b%2Fc|?x=1%202&y|{body}|{(body is null ? "" : "text/plain")}|q|caller|callee|app-token|{TraceParent}", answer.Body);
        Assert.Equal((207, "text/special"), (answer.Status, answer.ContentType));
        Assert.Equal("yes", answer.Headers["x-answer"]);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task A_failure_of_the_app_is_the_callers_to_see(int status)
    {
        var answer = await Door.InvokeAsync("callee", HttpMethod.Post, "status", body: $"{status}");

        Assert.Equal((status, $"failed with {status}"), (answer.Status, answer.Body));
        Assert.Equal("yes", answer.Headers["x-answer"]);
    }

    [Fact]
    public async Task No_method_can_name_another_machine()
    {
        foreach (var method in (string[])["//elsewhere.example/x", "\\\\elsewhere.example/x", "/\\elsewhere.example/x"])
        {
            var answer = await Door.InvokeAsync("callee", HttpMethod.Get, Door.IsGrpc ? method : method.Replace("\\", "%5C", StringComparison.Ordinal));
            Assert.Contains("elsewhere.example", answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Errors_are_daprs()
    {
        await Door.FailsAsync(
            door => door.InvokeAsync("nobody", HttpMethod.Get, "x"), "ERR_DIRECT_INVOKE", 500, GrpcStatusCode.Internal, "failed to invoke, id: nobody, err: couldn't find the app");
        await Door.FailsAsync(
            door => door.InvokeAsync("callee", HttpMethod.Get, "no"), "ERR_DIRECT_INVOKE", 403, GrpcStatusCode.PermissionDenied,
            "access control policy has denied access to appid: caller operation: /no verb: GET");
    }

    private static async Task EchoAsync(HttpContext http)
    {
        var request = http.Request;
        using var reader = new StreamReader(request.Body);
        var body = await reader.ReadToEndAsync();
        http.Response.Headers["x-answer"] = "yes";
        if (request.Path == "/status")
        {
            http.Response.StatusCode = int.Parse(body, System.Globalization.CultureInfo.InvariantCulture);
            await http.Response.WriteAsync($"failed with {body}");
            return;
        }

        http.Response.StatusCode = 207;
        http.Response.ContentType = "text/special";
        var path = http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget.Split('?')[0];
        await http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(string.Join(
            '|', request.Method, path, request.QueryString, body, request.ContentType, request.Headers["x-question"], request.Headers["dapr-caller-app-id"],
            request.Headers["dapr-callee-app-id"], request.Headers["dapr-api-token"], request.Headers.TraceParent)));
    }
}
