using Contracts;
using ServiceDefaults;
using Users.Accounts;
using Users.Features;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddSingleton<AccountStore>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapOnScanRewarded();
var users = app.MapGroup("/api/v1/users").WithTags("Users").RequireCaller(Apps.Gateway);
users.MapMe();
users.MapMyCharacters();
users.MapMyPoints();
app.Run();
