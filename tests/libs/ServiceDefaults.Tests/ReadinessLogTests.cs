using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace ServiceDefaults.Tests;

/// <summary>What probes leave in the log: changes, and no failure of an app that merely starts or stops.</summary>
public sealed class ReadinessLogTests : IAsyncLifetime
{
    private readonly CollectedLogs _logs = new();
    private HealthCheckResult _store = HealthCheckResult.Unhealthy("no connection");
    private TestService _service = null!;

    public async ValueTask InitializeAsync() => _service = await TestService.StartAsync(
        app => app.Services.GetRequiredService<ILoggerFactory>().AddProvider(_logs),
        builder => builder.Services.AddHealthChecks().AddCheck("store", () => _store, tags: ["ready"]));

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        _logs.Dispose();
    }

    [Fact]
    public async Task Says_what_has_changed_and_that_once()
    {
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);
        _store = HealthCheckResult.Healthy();
        await ProbeAsync(HttpStatusCode.OK);
        await ProbeAsync(HttpStatusCode.OK);
        _store = HealthCheckResult.Unhealthy("connection lost");
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);
        _store = HealthCheckResult.Unhealthy(exception: new TimeoutException("no answer"));
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);

        Assert.Equal(
            [
                (LogLevel.Information, "Not ready: store: no connection"),
                (LogLevel.Information, "Ready"),
                (LogLevel.Warning, "Not ready: store: connection lost"),
                (LogLevel.Warning, "Not ready: store: no answer"),
            ],
            Said());
    }

    [Fact]
    public async Task The_framework_says_nothing()
    {
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);

        Assert.NotEmpty(_logs.Lines);
        Assert.DoesNotContain(_logs.Lines, line => line.Category.StartsWith(ReadinessLog.FrameworkCategory, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stop_is_no_warning()
    {
        _store = HealthCheckResult.Healthy();
        await ProbeAsync(HttpStatusCode.OK);
        await _service.App.Services.GetRequiredService<DrainState>().StoppingAsync(TestContext.Current.CancellationToken);
        await ProbeAsync(HttpStatusCode.ServiceUnavailable);

        Assert.Equal([(LogLevel.Information, "Ready"), (LogLevel.Information, "Not ready: lifecycle: stopping")], Said());
    }

    private IEnumerable<(LogLevel Level, string Text)> Said() =>
        _logs.Lines.Where(line => line.Category == typeof(ReadinessLog).FullName).Select(line => (line.Level, line.Text));

    private async Task ProbeAsync(HttpStatusCode expected)
    {
        using var response = await _service.SendAsync(HttpMethod.Get, "/healthz/ready");
        Assert.Equal(expected, response.StatusCode);
        Assert.Equal(expected == HttpStatusCode.OK ? "Healthy" : "Unhealthy", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }
}
