using Contracts;
using Contracts.Characters;
using Contracts.Scan;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using Users;
using Users.Accounts;
using Users.Erasures;
using Users.Features;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<UsersOptions>()
    .BindConfiguration(UsersOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<AccountStore>();
builder.Services.AddSingleton<IdentityStore>();
builder.Services.AddSingleton<ErasureStore>();
builder.Services.AddSingleton<ErasureMetrics>();
builder.Services.AddSingleton<ErasureService>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapSignIn();
app.MapOnScanRewarded();
app.MapOnCharacterGranted();
app.MapDeadLetters(Components.PubSub, CharacterTopics.CharacterGranted);
app.MapReportErasure(app.Services.GetRequiredService<IOptions<UsersOptions>>().Value);
app.MapOnCronErasures();
app.MapDeadLetters(Components.PubSub, ScanTopics.ScanRewarded, Apps.Users);
var users = app.MapGroup("/api/v1/users").WithTags("Users").RequireCaller(Apps.Gateway);
users.MapMe();
users.MapDeleteMe();
users.MapListErasures();
users.MapMyCharacters();
users.MapMyPoints();
app.Run();
