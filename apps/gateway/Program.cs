using Gateway;
using Gateway.Features;
using Gateway.Forwarding;
using Gateway.Security;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(new WebApplicationOptions
{
    Args = args,
    WebRootPath = Path.Combine(AppContext.BaseDirectory, "pages"),
});
builder.Configuration.AddRouteTable();
builder.AddServiceDefaults();
builder.Services.AddOptions<GatewayOptions>()
    .BindConfiguration(GatewayOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddIdentityTokens();
builder.Services.AddSingleton<Upstream>();
builder.Services.AddSingleton<ServiceAddresses>();
builder.Services.AddSingleton<SidecarAddress>();
builder.Services.AddSingleton<Forwarder>();
builder.Services.AddSingleton<Callers>();

var app = builder.Build();
_ = GuestLogin.IsOn(app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value, app.Environment);
app.UseSecurityHeaders();
app.UseClosedPaths();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapDefaultEndpoints();
app.MapReadiness();
app.MapGuestLogin();
app.MapForwardRoutes();
app.MapClosedPaths();
app.Run();
