using System.Net;
using Dapr.Client;

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.UseUrls($"http://127.0.0.1:{builder.Configuration["APP_PORT"] ?? "5201"}");
builder.Services.AddDaprClient();
builder.Services.AddSingleton(_ => DaprClient.CreateInvokeHttpClient("shipping"));

var app = builder.Build();
app.MapGet("/healthz/ready", () => Results.Ok());

// Accepted means stored: once the publish is answered the message survives the end of any process.
app.MapPut("/orders/{id}", async (string id, Order order, DaprClient dapr, CancellationToken cancellationToken) =>
{
    await dapr.PublishEventAsync("pubsub", "order-placed", new OrderPlaced(id, order.Item), cancellationToken);
    return Results.Accepted($"/orders/{id}");
});

// The shipment is asked of its owner, by the name of the app.
app.MapGet("/orders/{id}", async (string id, HttpClient shipping, CancellationToken cancellationToken) =>
{
    using var response = await shipping.GetAsync($"/shipments/{Uri.EscapeDataString(id)}", cancellationToken);
    return response.StatusCode == HttpStatusCode.NotFound
        ? Results.NotFound()
        : Results.Ok(await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<Shipment>(cancellationToken));
});

app.Run();

internal sealed record Order(string Item);

internal sealed record OrderPlaced(string Id, string Item);

// AnsweredBy: port of the instance that answered; with replicas the sidecar takes them in turn.
internal sealed record Shipment(string Id, string Item, int AnsweredBy);
