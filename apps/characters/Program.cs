using Characters;
using Characters.Catalogue;
using Characters.Features;
using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Contracts.Users;
using ServiceDefaults;
using ServiceDefaults.Erasure;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddOptions<CharactersOptions>()
    .BindConfiguration(CharactersOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton(CharacterCatalogue.Seed(Path.Combine(AppContext.BaseDirectory, "Catalogue", "characters.json")));
builder.Services.AddSingleton<CatalogueStore>();
builder.Services.AddSingleton<CatalogueCache>();
builder.Services.AddHostedService(services => services.GetRequiredService<CatalogueCache>());
builder.Services.AddHealthChecks().AddCheck<CatalogueCache>("catalogue", tags: ["ready"]);
builder.Services.AddErasure();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapMatchReward();
app.MapOnScanRewarded();
app.MapDeadLetters(Components.PubSub, ScanTopics.ScanRewarded, Apps.Characters);
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Characters);
app.MapOnDefaultCharacterRequested();
app.MapDeadLetters(Components.PubSub, CharacterTopics.DefaultCharacterRequested);
app.MapOnCharacterChanged();
var characters = app.MapGroup("/api/v1/character").WithTags("Characters").RequireCaller(Apps.Gateway);
characters.MapGetCatalogue();
characters.MapChangeCatalogue();
app.Run();
