using Microsoft.AspNetCore.Mvc;

namespace NaverServers;

/// <summary>The server, to run in-process or as a program.</summary>
public static class NaverHost
{
    /// <summary>Section of the first behaviour: <c>--Naver:PerSecond 10</c>.</summary>
    public const string Section = "Naver";

    /// <summary>Builds the application; the caller runs or starts it. <c>PUT /control</c> changes how it behaves, <c>GET /stats</c> counts.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(new NaverServer { Behaviour = builder.Configuration.GetSection(Section).Get<NaverBehaviour>() ?? new NaverBehaviour() });
        var app = builder.Build();
        app.MapPut("/control", ([FromBody] NaverBehaviour behaviour, NaverServer server) => { server.Behaviour = behaviour; });
        app.MapGet("/stats", (NaverServer server) => new NaverStats(server.Calls, server.Queries.Count, server.Rejected, server.MaxConcurrent));
        app.Services.GetRequiredService<NaverServer>().Map(app);
        return app;
    }
}

/// <summary>What the server has seen.</summary>
/// <param name="Calls">Requests of any kind.</param>
/// <param name="Queries">Those that were understood.</param>
/// <param name="Rejected">What was wrong with the others.</param>
/// <param name="MaxConcurrent">Most at one time.</param>
public sealed record NaverStats(int Calls, int Queries, IReadOnlyList<string> Rejected, int MaxConcurrent);
