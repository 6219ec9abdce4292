using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace IdentityProviders;

/// <summary>The server, to run in-process or as a program.</summary>
public static class IdentityProviderHost
{
    /// <summary>Section of the first behaviour: <c>--IdentityProvider:Consent true</c>.</summary>
    public const string Section = "IdentityProvider";

    /// <summary>Builds the application; the caller runs or starts it.</summary>
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        builder.Services.AddSingleton(new IdentityProviderServer { Behaviour = builder.Configuration.GetSection(Section).Get<Behaviour>() ?? new Behaviour() });
        var app = builder.Build();
        app.Services.GetRequiredService<IdentityProviderServer>().Map(app);
        app.MapPut("/control", ([FromBody] Behaviour behaviour, IdentityProviderServer server) => { server.Behaviour = behaviour; });
        return app;
    }

    /// <summary>The settings by which auth speaks to it.</summary>
    public static IEnumerable<(string Name, string Value)> Settings(string address, params string[] providers) => providers.SelectMany(provider => new[]
    {
        ($"OAuth:{provider}:ClientId", new Behaviour().ClientId),
        ($"OAuth:{provider}:AuthorizeUrl", $"{address}/{provider}/authorize"),
        ($"OAuth:{provider}:TokenUrl", $"{address}/{provider}/token"),
        ($"OAuth:{provider}:ProfileUrl", $"{address}/{provider}/profile"),
    });
}
