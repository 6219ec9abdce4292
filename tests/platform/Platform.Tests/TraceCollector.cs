using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Platform.Tests;

/// <summary>What the tests look at of a span.</summary>
public sealed record Span(string Service, string TraceId, string Id, string ParentId, string Name);

/// <summary>An OTLP collector that keeps the spans (OTLP 1.x over HTTP with protobuf; the fields it reads are in <c>opentelemetry/proto/trace/v1</c>).</summary>
public sealed class TraceCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SemaphoreSlim _arrived = new(0);

    private TraceCollector(WebApplication app) => _app = app;

    public ConcurrentQueue<Span> Spans { get; } = [];

    /// <summary>Everything that was sent here, traces, metrics and logs, as it came.</summary>
    public ConcurrentQueue<byte[]> Exports { get; } = [];

    public string Address => _app.Urls.First();

    public static async Task<TraceCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new TraceCollector(app);
        app.Run(async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            collector.Exports.Enqueue(body.ToArray());
            if (http.Request.Path == "/v1/traces")
            {
                collector.Keep(body.ToArray());
            }

            http.Response.ContentType = "application/x-protobuf";
        });
        await app.StartAsync();
        return collector;
    }

    /// <summary>Waits until the spans that have arrived are as they should be.</summary>
    public async Task UntilAsync(Func<bool> enough, CancellationToken cancellationToken, Func<string> wrong)
    {
        try
        {
            while (!enough())
            {
                await _arrived.WaitAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail(wrong());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _arrived.Dispose();
    }

    private void Keep(byte[] request)
    {
        foreach (var resource in Fields(request, 1))
        {
            var service = Fields(resource, 1).SelectMany(inner => Fields(inner, 1)).Where(attribute => Text(attribute, 1) == "service.name")
                .Select(attribute => Text(Fields(attribute, 2).Single(), 1)).Single();
            foreach (var span in Fields(resource, 2).SelectMany(scope => Fields(scope, 2)))
            {
                Spans.Enqueue(new Span(service, Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5)));
            }
        }

        _arrived.Release();
    }

    private static string Text(byte[] message, int field) => System.Text.Encoding.UTF8.GetString(Fields(message, field).Single());

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Fields(message, field).SingleOrDefault() ?? []);

    /// <summary>The values of a field that is a message, text or bytes.</summary>
    private static List<byte[]> Fields(byte[] message, int field)
    {
        var values = new List<byte[]>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                values.Add(input.ReadBytes().ToByteArray());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return values;
    }
}
