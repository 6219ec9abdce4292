using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts.Jobs;

namespace Scan.Tests;

/// <summary>Who polls learns how a scan ended from one shape, whoever ended it.</summary>
public sealed class ScanResultTests
{
    [Theory]
    [InlineData("completed", """{"status":"completed","message":"m","pipeline_result":{"x":1},"reward":null,"error":null}""", true, null)]
    [InlineData("failed", """{"status":"failed","message":"m","reward":null,"error":"SCAN_FAILED"}""", false, "SCAN_FAILED")]
    [InlineData("failed", """{"code":"deadline_exceeded","error":"The job was not finished before its deadline"}""", false, "DEADLINE_EXCEEDED")]
    [InlineData("failed", null, false, "SCAN_FAILED")]
    [InlineData("cancelled", null, false, "CANCELLED")]
    public async Task Every_end_has_the_same_shape(string status, string? stored, bool hasResult, string? error)
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        var id = Guid.NewGuid();
        app.Jobs[id] = ("u1", [new JobEventInput(
            $"done.{status}", JobWords.Done, status, 100, DateTimeOffset.UnixEpoch, stored is null ? null : JsonElement.Parse(stored), "m")]);

        var result = await client.GetFromJsonAsync<JsonElement>($"/api/v1/scan/{id}/result");

        Assert.Equal(
            ["task_id", "status", "message", "pipeline_result", "reward", "error"], result.EnumerateObject().Select(property => property.Name));
        Assert.Equal((id, status, "m"), (result.GetProperty("task_id").GetGuid(), result.GetProperty("status").GetString(), result.GetProperty("message").GetString()));
        Assert.Equal(hasResult ? JsonValueKind.Object : JsonValueKind.Null, result.GetProperty("pipeline_result").ValueKind);
        Assert.Equal(error, result.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Tokens_and_cost_are_told_where_models_were_asked()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u1");
        var id = Guid.NewGuid();
        app.Jobs[id] = ("u1", [new JobEventInput(
            "done.failed", JobWords.Done, JobWords.Failed, 100, DateTimeOffset.UnixEpoch, JsonElement.Parse("""{"usage":{"input_tokens":900}}"""), "m")]);

        var result = await client.GetFromJsonAsync<JsonElement>($"/api/v1/scan/{id}/result");

        Assert.Equal(900, result.GetProperty("usage").GetProperty("input_tokens").GetInt64());
    }

    [Fact]
    public async Task Somebody_elses_result_does_not_exist()
    {
        await using var app = await ScanApp.StartAsync();
        using var client = app.ClientOf("u2");
        var id = Guid.NewGuid();
        app.Jobs[id] = ("u1", [new JobEventInput("done.cancelled", JobWords.Done, JobWords.Cancelled, 100, DateTimeOffset.UnixEpoch)]);

        using var response = await client.GetAsync($"/api/v1/scan/{id}/result");

        Assert.Equal((HttpStatusCode.NotFound, "RESULT_NOT_FOUND"), (response.StatusCode, await ScanApp.CodeAsync(response)));
    }
}
