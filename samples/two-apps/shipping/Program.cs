using Dapr.Client;

var builder = WebApplication.CreateBuilder(args);
var port = builder.Configuration.GetValue("APP_PORT", 5202);
builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
builder.Services.AddDaprClient();

var app = builder.Build();
app.UseCloudEvents();
app.MapSubscribeHandler();
app.MapGet("/healthz/ready", () => Results.Ok());

// At least once: the key is the order's id, so a message that comes twice writes the same shipment twice.
app.MapPost("/on/order-placed", async (OrderPlaced order, DaprClient dapr, ILogger<Program> logger, CancellationToken cancellationToken) =>
{
    await dapr.SaveStateAsync("statestore", $"shipment:{order.Id}", order, cancellationToken: cancellationToken);
    Log.Shipped(logger, order.Id);
    return Results.Ok();
}).WithTopic("pubsub", "order-placed");

app.MapGet("/shipments/{id}", async (string id, DaprClient dapr, CancellationToken cancellationToken) =>
    await dapr.GetStateAsync<OrderPlaced?>("statestore", $"shipment:{id}", cancellationToken: cancellationToken) is { } order
        ? Results.Ok(new Shipment(order.Id, order.Item, port))
        : Results.NotFound());

app.Run();

internal sealed record OrderPlaced(string Id, string Item);

// AnsweredBy: port of the instance that answered.
internal sealed record Shipment(string Id, string Item, int AnsweredBy);

internal static partial class Log
{
    [LoggerMessage(7000, LogLevel.Information, "Shipped order {OrderId}")]
    public static partial void Shipped(ILogger logger, string orderId);
}
