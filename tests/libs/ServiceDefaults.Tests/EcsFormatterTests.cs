using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ServiceDefaults.Tests;

public sealed class EcsFormatterTests
{
    private static async Task<JsonElement> LogAsync(Action<ILogger> log)
    {
        await using var service = await TestService.StartAsync(_ => { }, settings: ("OTEL_SERVICE_NAME", "shop"));
        var formatter = service.App.Services.GetServices<ConsoleFormatter>().Single(f => f.Name == "ecs");
        using var text = new StringWriter();
        log(new Logger(formatter, text));

        var line = text.ToString();
        Assert.Equal(line.Length - Environment.NewLine.Length, line.IndexOf(Environment.NewLine, StringComparison.Ordinal));
        return JsonSerializer.Deserialize<JsonElement>(line);
    }

    private sealed class Logger(ConsoleFormatter formatter, TextWriter text) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> format) =>
            formatter.Write(new LogEntry<TState>(logLevel, "Shop.Orders", eventId, state, exception, format), null, text);
    }

    [Fact]
    public async Task A_record_is_one_object_on_one_line()
    {
        var record = await LogAsync(logger => logger.LogWarning(new EventId(7), "Order {OrderId} of \"{Who}\"\nis late by {Days}", "o-1", "사과\r\n", 3));

        Assert.Equal("Order o-1 of \"사과\r\n\"\nis late by 3", record.GetProperty("message").GetString());
        Assert.Equal(
            ("warn", "shop", "Production", "Shop.Orders", "7", "o-1", "3"),
            (Text("log.level"), Text("service.name"), Text("service.environment"), Text("log.logger"), Text("event.code"), Text("labels.order_id"), Text("labels.days")));
        string? Text(string name) => record.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Secrets_are_masked_wherever_they_stand()
    {
        var record = await LogAsync(logger => logger.LogInformation(
            "Login with {Password}, {AccessToken} and {ApiKey} by {User}", "hunter2", "abcdefghijklmnop", "sk-1234567890", "ann"));

        var text = record.GetRawText();
        Assert.DoesNotContain("hunter2", text, StringComparison.Ordinal);
        Assert.DoesNotContain("abcdefghijklmnop", text, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-1234567890", text, StringComparison.Ordinal);
        Assert.Equal("Login with …, abcd…mnop and sk-1…7890 by ann", record.GetProperty("message").GetString());
        Assert.Equal(("…", "abcd…mnop", "ann"), (record.GetProperty("labels.password").GetString(), record.GetProperty("labels.access_token").GetString(), record.GetProperty("labels.user").GetString()));
    }

    [Fact]
    public async Task Exceptions_come_with_their_causes()
    {
        var record = await LogAsync(logger => logger.LogError(new InvalidOperationException("outer", new IOException("inner")), "Failed"));

        Assert.Equal(("System.InvalidOperationException", "outer"), (record.GetProperty("error.type").GetString(), record.GetProperty("error.message").GetString()));
        Assert.Contains("inner", record.GetProperty("error.stack_trace").GetString(), StringComparison.Ordinal);
    }
}
