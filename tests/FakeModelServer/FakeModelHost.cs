using ModelServers;
using ModelServers.Anthropic;
using ModelServers.Google;
using ModelServers.OpenAi;

namespace FakeModelServer;

/// <summary>The server, to run in-process or as a program: one port, every protocol.</summary>
public static class FakeModelHost
{
    /// <summary>Where Anthropic's protocol is, whose list of models has the same path as OpenAI's.</summary>
    private const string Anthropic = "/anthropic";

    /// <summary>Builds the application; the caller runs or starts it.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(builder.Configuration.GetSection(FakeModelOptions.Section).Get<FakeModelOptions>() ?? new FakeModelOptions());
        builder.Services.AddSingleton<FakeModel>();
        var app = builder.Build();
        var server = app.Services.GetRequiredService<FakeModel>().Server;
        // Without a key too: a server with a base URL of its own is all that a run configures.
        server.Map(app, new OpenAiProtocol { NeedsKey = false }, new GeminiProtocol(), new VertexProtocol());
        server.Map(app.MapGroup(Anthropic), new AnthropicProtocol());
        app.MapGet("/stats", (FakeModel model) => model.Stats);
        app.MapPut("/control", ([Microsoft.AspNetCore.Mvc.FromBody] FakeModelOptions options, FakeModel model) => model.Behave(options));
        return app;
    }

    /// <summary>What a provider of a kind (<c>openai</c>, <c>anthropic</c>, <c>gemini</c>, <c>vertex</c>) takes as its base URL.</summary>
    public static Uri BaseUrl(WebApplication app, string kind) => new(new Uri(app.Urls.First()), kind switch
    {
        "openai" => "/v1",
        "anthropic" => Anthropic,
        _ => "/",
    });
}
