using Contracts;
using Contracts.Users;
using Images;
using Images.Features;
using Images.Storage;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Erasure;
using ServiceDefaults.Identity;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.Services.AddValidation();
builder.Services.AddOptions<ImagesOptions>()
    .BindConfiguration(ImagesOptions.Section).ValidateDataAnnotations().ValidateOnStart();
builder.Services.AddSingleton<IMemoryPoolFactory<byte>, UploadBlocks>();
builder.Services.AddTokenVerification();
builder.Services.AddSingleton<ImageRecords>();
builder.Services.AddSingleton<BegunUploads>();
builder.Services.AddSingleton<UploadSweeper>();
builder.Services.AddSingleton<PictureMaker>();
builder.Services.AddSingleton<PictureFiles>();
builder.Services.AddSingleton<S3Connection>();
builder.Services.AddSingleton<IPictureStorage>(services => services.GetRequiredService<IOptions<ImagesOptions>>().Value.Storage == PictureStorage.S3
    ? ActivatorUtilities.CreateInstance<S3Pictures>(services) : ActivatorUtilities.CreateInstance<ObjectFiles>(services));
builder.Services.AddSingleton<ObjectStore>();
builder.Services.AddSingleton<GeneratedImages>();
builder.Services.AddErasure();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapUpload();
app.MapFindImage();
app.MapStoreGenerated();
app.MapOnCronUploads();
app.MapOnUserDeleted();
app.MapDeadLetters(Components.PubSub, UserTopics.UserDeleted, Apps.Images);
app.MapRevocations();
var images = app.MapGroup("/api/v1/images").WithTags("Images").RequireCaller(Apps.Gateway);
images.MapCreateTicket();
images.MapFinishUpload();
images.MapGetImage();
images.MapGetThumbnail();
images.MapGetGenerated();
images.MapGetMetrics();
app.Run();
