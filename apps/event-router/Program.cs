using EventRouter;
using EventRouter.Features;
using EventRouter.Logs;
using Microsoft.Extensions.Options;
using ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddOptions<EventRouterOptions>()
    .BindConfiguration(EventRouterOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<ILogStore, DaprLogStore>();
builder.Services.AddSingleton<IJobLogPublisher, JobLogPublisher>();
builder.Services.AddSingleton<JobLogMetrics>();
builder.Services.AddSingleton<JobLogStorage>();
builder.Services.AddSingleton<OpenJobs>();
builder.Services.AddSingleton<JobAppender>();
builder.Services.AddSingleton<DeadlineSweep>();

var app = builder.Build();
app.MapDefaultEndpoints();
var options = app.Services.GetRequiredService<IOptions<EventRouterOptions>>().Value;
var jobs = app.MapGroup("/jobs").RequireCaller([.. options.Callers]);
jobs.MapAppendEvents();
jobs.MapGetStates();
jobs.MapGetOpenJobs();
jobs.MapGetJob();
app.MapEraseJob();
app.MapOnCronDeadlines();
app.Run();
