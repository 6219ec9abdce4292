using Auth;
using Auth.Audit;
using Auth.Features;
using Auth.Keys;
using Auth.Revocations;
using Auth.Sessions;
using Auth.UserRoles;
using Contracts;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<AuthOptions>()
    .BindConfiguration(AuthOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddTokens();
builder.Services.AddSingleton<KeyRing>();
builder.Services.AddHostedService(services => services.GetRequiredService<KeyRing>());
builder.Services.AddSingleton<RoleStore>();
builder.Services.AddSingleton<SessionService>();
builder.Services.AddSingleton<LoginAudit>();
builder.Services.AddSingleton<UsersPolicy>();
builder.Services.AddDaprInvokeClient<UsersClient>(Apps.Users);
builder.Services.AddRevocationStore();

var app = builder.Build();
_ = GuestLogin.IsOn(app.Services.GetRequiredService<IOptions<AuthOptions>>().Value, app.Environment);
app.MapDefaultEndpoints();
app.MapGetKeys();
var auth = app.MapGroup("/api/v1/auth").WithTags("Auth").RequireCaller(Apps.Gateway);
auth.MapGuestLogin();
auth.MapGetLoginAudit();
app.Run();
