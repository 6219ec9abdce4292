using Ai;
using Ai.Prompts;
using Contracts;
using Dapr.Workflow;
using ScanWorker;
using ScanWorker.Answers;
using ScanWorker.Features;
using ScanWorker.Knowledge;
using ScanWorker.Stages;
using ScanWorker.Vision;
using ScanWorker.Workflows;
using ServiceDefaults;
using ServiceDefaults.JobLog;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddOptions<ScanWorkerOptions>()
    .BindConfiguration(ScanWorkerOptions.Section).ValidateDataAnnotations().ValidateOnStart();

// What is known about waste: checked here, so that a wrong data file stops the start.
var knowledge = Path.Combine(AppContext.BaseDirectory, "Knowledge");
var taxonomy = Taxonomy.Load(knowledge);
builder.Services.AddSingleton(taxonomy);
builder.Services.AddSingleton(SituationTags.Load(knowledge));
builder.Services.AddSingleton(DisposalRules.Load(knowledge, taxonomy));

// Models, and what the local provider does in their place.
builder.Services.AddModels();
builder.Services.AddModelTask(WasteVision.Task, WasteVision.Needs);
builder.Services.AddModelTask(DisposalAnswer.Task, DisposalAnswer.Needs);
builder.Services.AddPictureClassifier();
builder.Services.AddLocalSkill<LocalWasteVision>();
builder.Services.AddLocalSkill<LocalDisposalAnswer>();
builder.Services.AddPrompts(WasteVision.SystemPrompt, WasteVision.UserPrompt, DisposalAnswer.SystemPrompt, DisposalAnswer.UserPrompt);
builder.Services.AddSingleton<WasteVision>();
builder.Services.AddSingleton<DisposalAnswer>();

// The pipeline.
builder.Services.AddJobLogClient();
builder.Services.AddDaprInvokeClient<CharactersClient>(Apps.Characters);
builder.Services.AddSingleton<StageRunner>();
builder.Services.AddSingleton<StageGates>();
builder.Services.AddDaprWorkflow(options =>
{
    options.RegisterWorkflow<ScanWorkflow>();
    options.RegisterActivity<VisionActivity>();
    options.RegisterActivity<RuleActivity>();
    options.RegisterActivity<AnswerActivity>();
    options.RegisterActivity<RewardActivity>();
    options.RegisterActivity<StageFailedActivity>();
    options.RegisterActivity<FinishActivity>();
});

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapOnScanRequested();
app.MapOnScanRequestedDead();
app.MapCancelScan();
app.MapEraseScan();
app.MapGetModels();
app.Run();
