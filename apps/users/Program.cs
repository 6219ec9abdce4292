using Contracts;
using Contracts.Scan;
using ServiceDefaults;
using Users.Accounts;
using Users.Features;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddSingleton<AccountStore>();
builder.Services.AddSingleton<IdentityStore>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapSignIn();
app.MapOnScanRewarded();
app.MapDeadLetters(Components.PubSub, ScanTopics.ScanRewarded, Apps.Users);
var users = app.MapGroup("/api/v1/users").WithTags("Users").RequireCaller(Apps.Gateway);
users.MapMe();
users.MapMyCharacters();
users.MapMyPoints();
app.Run();
