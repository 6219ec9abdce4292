using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Dapr.AspNetCore.Tests;

/// <summary>UseCloudEvents: what the handler sees for each shape of envelope.</summary>
public sealed class CloudEventsTests
{
    private sealed record Seen(int Status, bool Handled, byte[] Bytes, string? ContentType, IHeaderDictionary Headers)
    {
        public string Body => Encoding.UTF8.GetString(Bytes);
    }

    private static async Task<Seen> SendAsync(
        byte[] body, string? contentType = "application/cloudevents+json", CloudEventsMiddlewareOptions? options = null)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        var app = new ApplicationBuilder(services);
        _ = options is null ? app.UseCloudEvents() : app.UseCloudEvents(options);
        var (handled, bytes, type) = (false, Array.Empty<byte>(), (string?)null);
        app.Run(async http =>
        {
            using var copy = new MemoryStream();
            await http.Request.Body.CopyToAsync(copy);
            (handled, bytes, type) = (true, copy.ToArray(), http.Request.ContentType);
        });
        using var original = new MemoryStream(body);
        var http = new DefaultHttpContext { Request = { Method = "POST", Body = original, ContentType = contentType, ContentLength = body.Length } };

        await app.Build()(http);

        Assert.Same(original, http.Request.Body);
        Assert.Equal((contentType, body.Length), (http.Request.ContentType, http.Request.ContentLength));
        return new Seen(http.Response.StatusCode, handled, bytes, type, http.Request.Headers);
    }

    private static Task<Seen> SendAsync(string body, string contentType = "application/cloudevents+json", CloudEventsMiddlewareOptions? options = null) =>
        SendAsync(Encoding.UTF8.GetBytes(body), contentType, options);

    [Theory]
    [InlineData("""{"data":{"a":1}}""", """{"a":1}""", "application/json")]
    [InlineData("""{"data":{"a":1},"datacontenttype":"application/json; charset=utf-8"}""", """{"a":1}""", "application/json")]
    [InlineData("""{"data":[1],"datacontenttype":"application/vnd.x+json"}""", "[1]", "application/vnd.x+json")]
    [InlineData("""{"data":"text"}""", "\"text\"", "application/json")]
    [InlineData("""{"data":"text","datacontenttype":"application/json"}""", "\"text\"", "application/json")]
    [InlineData("""{"data":"a \"text\"","datacontenttype":"text/plain"}""", "a \"text\"", "text/plain")]
    [InlineData("""{"data":{"a":1},"datacontenttype":"text/plain"}""", """{"a":1}""", "text/plain")]
    [InlineData("""{"data":null}""", "null", "application/json")]
    [InlineData("""{"data":1,"datacontenttype":null}""", "1", "application/json")]
    [InlineData("""{"data_base64":"AQID","datacontenttype":"image/png"}""", "\u0001\u0002\u0003", "image/png")]
    [InlineData("""{"data_base64":"AQID"}""", "\u0001\u0002\u0003", null)]
    [InlineData("""{"id":"1","type":"t"}""", "", null)]
    [InlineData("""{"DATA":{"a":1},"DataContentType":"application/json"}""", """{"a":1}""", "application/json")]
    public async Task Data_becomes_the_body(string envelope, string body, string? contentType)
    {
        var seen = await SendAsync(envelope);

        Assert.True(seen.Handled);
        Assert.Equal((body, contentType), (seen.Body, seen.ContentType));
    }

    [Theory]
    [InlineData("""{"data":1,"data_base64":"AQID"}""")]
    [InlineData("""{"data_base64":"not base64!"}""")]
    [InlineData("""{"data_base64":7}""")]
    [InlineData("""{"data":1,"datacontenttype":7}""")]
    [InlineData("[1]")]
    [InlineData("{\"data\":")]
    [InlineData("")]
    public async Task A_wrong_envelope_is_a_bad_request(string envelope)
    {
        var seen = await SendAsync(envelope);

        Assert.Equal((400, false), (seen.Status, seen.Handled));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/cloudevents-batch+json")]
    [InlineData("text/plain")]
    [InlineData("")]
    public async Task Other_content_types_pass(string contentType)
    {
        var seen = await SendAsync("""{"data":1}""", contentType);

        Assert.Equal(("""{"data":1}""", contentType), (seen.Body, seen.ContentType));
    }

    [Theory]
    [InlineData("Application/CloudEvents+JSON", "utf-8")]
    [InlineData("application/cloudevents+json; charset=utf-8", "utf-8")]
    [InlineData("application/cloudevents+json; charset=\"UTF-8\"", "utf-8")]
    [InlineData("application/cloudevents+json; charset=utf-16", "utf-16")]
    public async Task The_charset_is_honoured(string contentType, string encoding)
    {
        var seen = await SendAsync(Encoding.GetEncoding(encoding).GetBytes("""{"data":"사과","datacontenttype":"text/plain"}"""), contentType);

        Assert.Equal("사과", seen.Body);
    }

    [Fact]
    public async Task An_unknown_charset_is_a_bad_request() =>
        Assert.Equal(400, (await SendAsync("""{"data":1}""", "application/cloudevents+json; charset=klingon")).Status);

    [Fact]
    public async Task Texts_can_stay_JSON()
    {
        var seen = await SendAsync(
            """{"data":"text","datacontenttype":"text/plain"}""", options: new CloudEventsMiddlewareOptions { SuppressJsonDecodingOfTextPayloads = true });

        Assert.Equal(("\"text\"", "text/plain"), (seen.Body, seen.ContentType));
    }

    private const string Full =
        """{"id":"1","Type":"order","source":"shop","time":5,"data":{},"datacontenttype":"application/json","pubsubname":"bus","traceparent":"00-x"}""";

    [Fact]
    public async Task Attributes_become_headers_when_asked()
    {
        var none = await SendAsync(Full);
        var all = await SendAsync(Full, options: new CloudEventsMiddlewareOptions { ForwardCloudEventPropertiesAsHeaders = true });
        var included = await SendAsync(Full, options: new CloudEventsMiddlewareOptions
        {
            ForwardCloudEventPropertiesAsHeaders = true, IncludedCloudEventPropertiesAsHeaders = ["id", "traceparent"], ExcludedCloudEventPropertiesFromHeaders = ["id"],
        });
        var excluded = await SendAsync(Full, options: new CloudEventsMiddlewareOptions
        {
            ForwardCloudEventPropertiesAsHeaders = true, ExcludedCloudEventPropertiesFromHeaders = ["source", "time"],
        });

        Assert.Equal("", Forwarded(none));
        Assert.Equal("Cloudevent.id=1 Cloudevent.source=shop Cloudevent.time=5 Cloudevent.type=order", Forwarded(all));
        Assert.Equal("Cloudevent.id=1", Forwarded(included));
        Assert.Equal("Cloudevent.id=1 Cloudevent.type=order", Forwarded(excluded));
    }

    private static string Forwarded(Seen seen) => string.Join(' ', seen.Headers
        .Where(header => header.Key.StartsWith("Cloudevent.", StringComparison.Ordinal))
        .OrderBy(header => header.Key, StringComparer.Ordinal).Select(header => $"{header.Key}={header.Value}"));
}
