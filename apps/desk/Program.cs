using Ai;
using Ai.Prompts;
using Contracts;
using Contracts.Desk;
using Contracts.Users;
using Dapr.Workflow;
using Desk;
using Desk.Callbacks;
using Desk.Features;
using Desk.Generation;
using Desk.Photos;
using Desk.Products;
using Desk.Tasks;
using Desk.Vision;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.GuardedFetch;
using ServiceDefaults.JobLog;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<DeskOptions>().BindConfiguration(DeskOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<GenerationOptions>().BindConfiguration(GenerationOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<CallbackOptions>().BindConfiguration(CallbackOptions.Section).ValidateDataAnnotations().ValidateOnStart();

// Models, and what the local provider does in their place.
builder.Services.AddModels();
builder.Services.AddModelTask(DeskCheck.Task, DeskCheck.Needs);
builder.Services.AddModelTask(RestylePlanner.Task, RestylePlanner.Needs);
builder.Services.AddModelTask(ModelPainter.Task, ModelPainter.Needs);
builder.Services.AddModelTask(ThingLocator.Task, ThingLocator.Needs);
builder.Services.AddPictureClassifier();
builder.Services.AddLocalSkill<LocalDeskCheck>();
builder.Services.AddLocalSkill<LocalRestylePlan>();
builder.Services.AddPrompts(
    DeskCheck.SystemPrompt, RestylePlanner.SystemPrompt, RestylePlanner.UserPrompt, ThingLocator.SystemPrompt, ThingLocator.UserPrompt);
builder.Services.AddSingleton<DeskCheck>();
builder.Services.AddSingleton<RestylePlanner>();
builder.Services.AddSingleton<ThingLocator>();
builder.Services.AddSingleton<DrawnPictures>();
builder.Services.AddTransient<IDeskPainter, ModelPainter>();
builder.Services.AddHttpClient<IDeskPainter, CustomPainter>(http => http.Timeout = Timeout.InfiniteTimeSpan);

// Products.
builder.Services.AddProducts();

// Pictures from and callbacks to addresses that somebody names.
builder.Services.AddGuardedFetch();
builder.Services.AddGuardedPost();
builder.Services.AddDaprInvokeClient<ImagesClient>(Apps.Images);
builder.Services.AddTransient<PhotoSource>();
builder.Services.AddSingleton<DecodeLine>();
builder.Services.AddSingleton<DownloadPlaces>();
builder.Services.AddSingleton<Deliveries>();
builder.Services.AddSingleton<SigningSecrets>();
builder.Services.AddErasure();
builder.Services.AddTransient<CallbackSender>();
builder.Services.AddTransient<Classify.Handler>();
builder.Services.AddTransient<PlanRestyle.Handler>();

// Tasks.
builder.Services.AddJobLogClient();
builder.Services.AddTransient<UserTasks>();
builder.Services.AddTransient<BusyPhotos>();
builder.Services.AddTransient<TaskAcceptance>();
builder.Services.AddTransient<TaskReader>();
builder.Services.AddTransient<TaskEraser>();
builder.Services.AddTransient<TaskSteps>();
builder.Services.AddTransient<TaskEnding>();
builder.Services.AddTransient<Generate.Handler>();
builder.Services.AddDaprWorkflow(options =>
{
    options.RegisterWorkflow<GenerateWorkflow>();
    options.RegisterActivity<DownloadActivity>();
    options.RegisterActivity<JudgeActivity>();
    options.RegisterActivity<PlanActivity>();
    options.RegisterActivity<DrawActivity>();
    options.RegisterActivity<UploadActivity>();
    options.RegisterActivity<SearchActivity>();
    options.RegisterActivity<LocateActivity>();
    options.RegisterActivity<EndActivity>();
    options.RegisterWorkflow<CallbackWorkflow>();
    options.RegisterActivity<DeliverActivity>();
    options.RegisterActivity<GiveUpActivity>();
});

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapOnCallbackDue();
app.MapDeadLetters(Components.PubSub, DeskTopics.CallbackDue);
app.MapOnDeskRequested();
app.MapOnDeskRequestedDead();
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Desk);
var desk = app.MapGroup("/api/v1/desk").WithTags("Desk").RequireCaller(Apps.Gateway);
desk.MapClassify();
desk.MapGenerate();
desk.MapGetTask();
desk.MapPlanRestyle();
desk.MapGetCallback();
desk.MapGetCategories();
desk.MapInfo();
app.MapOriginalPaths();
app.Run();
