using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ai.Tests.Limits;

public sealed class ModelExceptionHandlerTests
{
    [Theory]
    [InlineData(ModelFailure.Busy, 503, "LLM_BUSY", "3")]
    [InlineData(ModelFailure.BudgetSpent, 429, "MODEL_BUDGET_SPENT", "3")]
    [InlineData(ModelFailure.UnsupportedModel, 400, "MODEL_UNSUPPORTED", null)]
    [InlineData(ModelFailure.Moderated, 422, "MODEL_REFUSED", null)]
    [InlineData(ModelFailure.NotFound, 502, "MODEL_UNAVAILABLE", null)]
    public async Task Answers_a_request_with_the_failure_of_its_model_call(ModelFailure failure, int status, string code, string? retryAfter)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddProblemDetails();
        // The app's own handler takes everything, and was there first.
        builder.Services.AddExceptionHandler<Everything>();
        builder.Services.AddModels();
        await using var app = builder.Build();
        app.UseExceptionHandler();
        app.MapGet("/", void () => throw new ModelException(failure, "no") { RetryAfter = retryAfter is null ? null : TimeSpan.FromSeconds(2.1) });
        app.MapGet("/other", void () => throw new InvalidOperationException());
        await app.StartAsync(Scripted.Cancel);
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        using var response = await http.GetAsync(new Uri("/", UriKind.Relative), Scripted.Cancel);

        Assert.Equal((HttpStatusCode)status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(retryAfter, response.Headers.RetryAfter?.ToString());
        var problem = await response.Content.ReadFromJsonAsync<JsonNode>(Scripted.Cancel);
        Assert.Equal((code, "no"), ((string)problem!["code"]!, (string)problem["detail"]!));
        using var other = await http.GetAsync(new Uri("/other", UriKind.Relative), Scripted.Cancel);
        Assert.Equal(HttpStatusCode.UnavailableForLegalReasons, other.StatusCode);
    }

    private sealed class Everything : IExceptionHandler
    {
        public ValueTask<bool> TryHandleAsync(HttpContext http, Exception exception, CancellationToken cancellationToken)
        {
            http.Response.StatusCode = 451;
            return ValueTask.FromResult(true);
        }
    }
}
