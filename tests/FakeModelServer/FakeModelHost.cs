namespace FakeModelServer;

/// <summary>The server, to run in-process or as a program.</summary>
public static class FakeModelHost
{
    /// <summary>Builds the application; the caller runs or starts it.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(builder.Configuration.GetSection(FakeModelOptions.Section).Get<FakeModelOptions>() ?? new FakeModelOptions());
        builder.Services.AddSingleton<FakeModel>();
        var app = builder.Build();
        app.MapPost("/v1/chat/completions", (HttpContext http, FakeModel model) => model.HandleAsync(http));
        app.MapGet("/v1/models", () => new { @object = "list", data = new[] { new { id = "gpt-5.2", @object = "model" } } });
        app.MapGet("/stats", (FakeModel model) => model.Stats);
        app.MapPut("/control", ([Microsoft.AspNetCore.Mvc.FromBody] FakeModelOptions options, FakeModel model) => model.Behave(options));
        return app;
    }
}
