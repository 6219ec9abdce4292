using Gateway;
using Gateway.ApiKeys;
using Gateway.ExtAuthz;
using Gateway.Features;
using Gateway.Forwarding;
using Gateway.OpenApi;
using Gateway.Security;
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
builder.Services.AddEdge();
builder.Services.AddTokenVerification();
builder.Services.AddApiKeys();
builder.Services.AddSingleton<EdgeDecision>();
builder.Services.AddExtAuthz();
builder.Services.AddSingleton<Upstream>();
builder.Services.AddSingleton<ServiceAddresses>();
builder.Services.AddSingleton<SidecarAddress>();
builder.Services.AddSingleton<Canary>();
builder.Services.AddSingleton<Forwarder>();
builder.Services.AddOptions<ApiDocumentOptions>().BindConfiguration(ApiDocumentOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<ApiDocument>();

var app = builder.Build();
app.UseEdge();
app.UseClosedPaths();
app.UseApiKeys();
app.UseDefaultFiles();
app.UseStaticFiles();
app.MapDefaultEndpoints();
app.MapReadiness();
app.MapGetApiDocument();
app.MapRevocations();
app.MapForwardRoutes();
app.MapClosedPaths();
app.Run();
