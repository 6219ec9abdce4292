using Contracts;
using Images;
using Images.Features;
using Images.Storage;
using ServiceDefaults;
using ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<ImagesOptions>()
    .BindConfiguration(ImagesOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddTokenVerification();
builder.Services.AddSingleton<ImageRecords>();
builder.Services.AddSingleton<ObjectFiles>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapUpload();
app.MapFindImage();
app.MapOnCronUploads();
var images = app.MapGroup("/api/v1/images").WithTags("Images").RequireCaller(Apps.Gateway);
images.MapCreateTicket();
images.MapFinishUpload();
images.MapGetImage();
app.Run();
