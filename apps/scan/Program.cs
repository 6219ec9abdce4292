using Contracts;
using Contracts.Users;
using Scan;
using Scan.Features;
using Scan.Jobs;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.JobLog;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<ScanOptions>()
    .BindConfiguration(ScanOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<UserScans>();
builder.Services.AddJobLogClient();
builder.Services.AddErasure();
builder.Services.AddDaprInvokeClient<ImagesClient>(Apps.Images);
builder.Services.AddDaprInvokeClient<ScanWorkerClient>(Apps.ScanWorker);

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Scan);
var scan = app.MapGroup(SubmitScan.Route).WithTags("Scan").RequireCaller(Apps.Gateway);
scan.MapSubmitScan();
scan.MapGetScanResult();
scan.MapListScans();
scan.MapCancelScan();
scan.MapGetCategories();
app.Run();
