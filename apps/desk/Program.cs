using Ai;
using Ai.Prompts;
using Contracts;
using Contracts.Desk;
using Contracts.Users;
using Dapr.Workflow;
using Desk;
using Desk.Callbacks;
using Desk.Features;
using Desk.Pictures;
using Desk.Products;
using Desk.Vision;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.GuardedFetch;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<DeskOptions>().BindConfiguration(DeskOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddOptions<CallbackOptions>().BindConfiguration(CallbackOptions.Section).ValidateDataAnnotations().ValidateOnStart();

// Models, and what the local provider does in their place.
builder.Services.AddModels();
builder.Services.AddModelTask(DeskCheck.Task, DeskCheck.Needs);
builder.Services.AddPictureClassifier();
builder.Services.AddLocalSkill<LocalDeskCheck>();
builder.Services.AddPrompts(DeskCheck.SystemPrompt);
builder.Services.AddSingleton<DeskCheck>();

// Products.
builder.Services.AddProducts();

// Pictures from and callbacks to addresses that somebody names.
builder.Services.AddGuardedFetch();
builder.Services.AddGuardedPost();
builder.Services.AddDaprInvokeClient<ImagesClient>(Apps.Images);
builder.Services.AddSingleton<Deliveries>();
builder.Services.AddSingleton<SigningSecrets>();
builder.Services.AddErasure();
builder.Services.AddTransient<CallbackSender>();
builder.Services.AddTransient<Classify.Handler>();
builder.Services.AddDaprWorkflow(options =>
{
    options.RegisterWorkflow<CallbackWorkflow>();
    options.RegisterActivity<DeliverActivity>();
    options.RegisterActivity<GiveUpActivity>();
});

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapOnCallbackDue();
app.MapDeadLetters(Components.PubSub, DeskTopics.CallbackDue);
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Desk);
var desk = app.MapGroup("/api/v1/desk").WithTags("Desk").RequireCaller(Apps.Gateway);
desk.MapClassify();
desk.MapGetCallback();
desk.MapGetCategories();
desk.MapInfo();
app.MapOriginalPaths();
app.Run();
