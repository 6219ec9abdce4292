using Characters;
using Characters.Catalogue;
using Characters.Features;
using Contracts;
using Contracts.Scan;
using Contracts.Users;
using ServiceDefaults;
using ServiceDefaults.Erasure;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddOptions<CharactersOptions>()
    .BindConfiguration(CharactersOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton(CharacterCatalogue.Load(Path.Combine(AppContext.BaseDirectory, "Catalogue", "characters.json")));
builder.Services.AddErasure();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapMatchReward();
app.MapOnScanRewarded();
app.MapDeadLetters(Components.PubSub, ScanTopics.ScanRewarded, Apps.Characters);
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Characters);
app.MapGroup("/api/v1/character").WithTags("Characters").RequireCaller(Apps.Gateway).MapGetCatalogue();
app.Run();
