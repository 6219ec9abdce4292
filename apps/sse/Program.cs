using ServiceDefaults;
using ServiceDefaults.Identity;
using Sse;
using Sse.Features;
using Sse.Streams;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddOptions<SseOptions>()
    .BindConfiguration(SseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddTokenVerification();
builder.Services.AddSingleton<IJobLogDocuments, DaprJobLogDocuments>();
builder.Services.AddSingleton<JobLogReader>();
builder.Services.AddSingleton<StreamHub>();
builder.Services.AddSingleton<JobAccess>();
builder.Services.AddSingleton<StreamEndpoint>();
builder.Services.AddSingleton<KeepAliveService>();
builder.Services.AddHostedService(services => services.GetRequiredService<KeepAliveService>());

var app = builder.Build();
app.MapDefaultEndpoints();
// After the check that the sidecar asks: a renewal costs a read of every stream's log.
app.UseSubscriptionRenewal();
app.MapStreamJobEvents();
app.MapGetJobLog();
app.MapOnJobLogAppended();
app.MapRevocations();
app.Run();
