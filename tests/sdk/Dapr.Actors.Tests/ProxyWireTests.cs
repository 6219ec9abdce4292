using System.Net;
using System.Runtime.Serialization;
using System.Security.Authentication;
using System.Xml;
using Dapr.Actors.Client;
using Dapr.Actors.Communication;
using Dapr.Client.Tests;
using LocalServers;
using Microsoft.AspNetCore.Http;

namespace Dapr.Actors.Tests;

/// <summary>What proxies send and understand, byte for byte (dapr-sdk §6.2, §6.3).</summary>
public sealed class ProxyWireTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Untyped_calls_are_JSON()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(200, """{"id":"7","items":[1,2]}""");

        var order = await Factory(sidecar).Create(new ActorId("a b/1"), "Counter").InvokeMethodAsync<Order, Order>("EchoAsync", new Order { Id = "7" }, Cancellation);

        Assert.Equal([1, 2], order.Items);
        Assert.Equal(
            ("PUT", "/v1.0/actors/Counter/a%20b%2F1/method/EchoAsync", """{"id":"7","items":[]}""", "application/json; charset=utf-8", "t0ken"),
            (sidecar.Request.Method, sidecar.Request.Target, sidecar.Request.Body, sidecar.Request.Headers["Content-Type"], sidecar.Request.Headers["dapr-api-token"]));
        Assert.False(sidecar.Request.Headers.ContainsKey("Dapr-Reentrancy-Id"));
    }

    [Fact]
    public async Task Untyped_calls_without_argument_have_no_body()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var proxy = Factory(sidecar).Create(new ActorId("1"), "Counter");

        await proxy.InvokeMethodAsync("ResetAsync", Cancellation);
        Assert.Null(await proxy.InvokeMethodAsync<string>("NameAsync", Cancellation));

        Assert.All(sidecar.Requests, request => Assert.False(request.Headers.ContainsKey("Content-Type")));
        Assert.All(sidecar.Requests, request => Assert.Empty(request.Bytes));
    }

    [Fact]
    public void Ids_are_the_low_half_of_a_CRC_64()
    {
        // The check value of CRC-64/WE.
        Assert.Equal(unchecked((int)0x62EC59E3F1A4F00A), RemotingIds.Of("123456789"));
        Assert.Equal(RemotingIds.Of("Dapr.Actors.TestsICounter"), RemotingIds.OfInterface(typeof(ICounter)));
        Assert.Equal(RemotingIds.Of("ICounterDapr.Actors.TestsAddAsync"), RemotingIds.OfMethod(typeof(ICounter).GetMethod("AddAsync")!));
    }

    [Fact]
    public async Task Typed_calls_carry_a_header_of_XML()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(204);

        await Factory(sidecar).CreateActorProxy<ICounter>(new ActorId("7"), "Counter").ResetAsync();

        var context = System.Text.RegularExpressions.Regex.Match(sidecar.Request.Headers["X-DaprRequestHeader"], "<a:CallContext>([0-9a-f-]{36})<").Groups[1].Value;
        Assert.Equal(
            "<z:anyType i:type=\"a:ActorHeader\" xmlns:z=\"http://schemas.microsoft.com/2003/10/Serialization/\""
            + " xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:a=\"urn:actors\">"
            + $"<a:MethodId>{RemotingIds.Of("ICounterDapr.Actors.TestsResetAsync")}</a:MethodId>"
            + $"<a:InterfaceId>{RemotingIds.Of("Dapr.Actors.TestsICounter")}</a:InterfaceId>"
            + "<a:ActorId xmlns:b=\"http://schemas.datacontract.org/2004/07/Dapr.Actors\"><b:ActorId>7</b:ActorId></a:ActorId>"
            + $"<a:CallContext>{context}</a:CallContext>"
            + "<a:Headers xmlns:b=\"http://schemas.microsoft.com/2003/10/Serialization/Arrays\"/>"
            + "<a:MethodName>ResetAsync</a:MethodName><a:ActorType>Counter</a:ActorType></z:anyType>",
            sidecar.Request.Headers["X-DaprRequestHeader"]);
        Assert.Equal(("PUT", "/v1.0/actors/Counter/7/method/ResetAsync"), (sidecar.Request.Method, sidecar.Request.Target));
        Assert.Equal("application/octet-stream; charset=utf-8", sidecar.Request.Headers["Content-Type"]);
        Assert.Empty(sidecar.Request.Bytes);
    }

    [Fact]
    public async Task Ids_of_any_script_travel_in_the_header()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();

        await Factory(sidecar).CreateActorProxy<ICounter>(new ActorId("고양이<\n😀>"), "Counter").ResetAsync();

        Assert.Equal("고양이<\n😀>", RemotingHeaders.ReadRequest(sidecar.Request.Headers["X-DaprRequestHeader"]).ActorId.GetId());
    }

    [Fact]
    public async Task Typed_calls_can_be_JSON()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(200, """{"value":{"retVal":"x"}}""", contentType: "application/octet-stream");

        var joined = await Factory(sidecar, json: true).CreateActorProxy<ICounter>(new ActorId("7"), "Counter").JoinAsync("b", "a", Cancellation);

        Assert.Equal("x", joined);
        Assert.Equal("""{"value":{"second":"b","first":"a"}}""", sidecar.Request.Body);
    }

    [Fact]
    public async Task Typed_calls_are_data_contracts_otherwise()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = async http => await http.Response.Body.WriteAsync(Serialize(new WrappedMsgBody { Value = new JoinAsyncRespBody { RetVal = "x" } }));

        var joined = await Factory(sidecar).CreateActorProxy<ICounter>(new ActorId("7"), "Counter").JoinAsync("b", "a", Cancellation);

        Assert.Equal("x", joined);
        var body = Assert.IsType<JoinAsyncReqBody>(Deserialize(sidecar.Request.Bytes).Value);
        Assert.Equal(("a", "b"), (body.First, body.Second));
    }

    [Fact]
    public async Task Values_without_a_contract_are_refused_before_they_are_sent()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var proxy = Factory(sidecar).CreateActorProxy<IOfRecords>(new ActorId("7"), "Counter");

        await Assert.ThrowsAsync<InvalidDataContractException>(() => proxy.TakeAsync(new Positional(1)));

        Assert.Empty(sidecar.Requests);
    }

    [Fact]
    public async Task What_a_method_threw_is_told()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        var (header, body) = RemotingErrors.Write(new FormatException("no number"));
        sidecar.Answer = async http =>
        {
            http.Response.Headers["X-DaprErrorResponseHeader"] = header;
            await http.Response.Body.WriteAsync(body);
        };

        var failure = await Assert.ThrowsAsync<ActorMethodInvocationException>(
            () => Factory(sidecar).CreateActorProxy<ICounter>(new ActorId("7"), "Counter").FailAsync("x"));

        var cause = Assert.IsType<ActorInvokeException>(failure.InnerException);
        Assert.Equal(("System.FormatException", "no number"), (cause.ActualExceptionType, cause.Message));
        Assert.StartsWith("Remote Actor Method Exception,  DETAILS: Exception: FormatException, Method Name: , Line Number: 0, Exception uuid: ", failure.Message, StringComparison.Ordinal);
        Assert.StartsWith("<z:anyType i:type=\"a:ActorResponseMessageHeaders\"", header, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, """{"errorCode":"ERR_ACTOR_INVOKE_METHOD","message":"broken"}""", "ERR_ACTOR_INVOKE_METHOD", "broken")]
    [InlineData(404, "", "ERR_DOES_NOT_EXIST", "404")]
    [InlineData(502, "gateway", "ERR_UNKNOWN", "502: gateway")]
    public async Task Refusals_carry_the_error_code(int status, string body, string code, string message)
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(status, body);

        var failure = await Assert.ThrowsAsync<DaprApiException>(
            () => Factory(sidecar).Create(new ActorId("7"), "Counter").InvokeMethodAsync("GetAsync", Cancellation));

        Assert.Equal(code, failure.ErrorCode);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_wrong_token_is_a_failure_of_authentication(int status)
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answers(status, "invalid api token", contentType: "text/plain");

        await Assert.ThrowsAsync<AuthenticationException>(
            () => Factory(sidecar).Create(new ActorId("7"), "Counter").InvokeMethodAsync("GetAsync", Cancellation));
    }

    [Fact]
    public async Task Calls_wait_for_a_sidecar_that_restarts()
    {
        var port = FreePort.Next();
        var calling = new ActorProxyFactory(new ActorProxyOptions { HttpEndpoint = $"http://127.0.0.1:{port}" })
            .Create(new ActorId("7"), "Counter").InvokeMethodAsync("GetAsync", Cancellation);

        await using var sidecar = await RecordingSidecar.StartAsync(port);
        await calling;

        Assert.Single(sidecar.Requests);
    }

    [Fact]
    public async Task A_call_that_may_have_come_through_is_not_repeated()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        sidecar.Answer = http =>
        {
            http.Abort();
            return Task.CompletedTask;
        };

        await Assert.ThrowsAsync<DaprException>(() => Factory(sidecar).Create(new ActorId("7"), "Counter").InvokeMethodAsync("GetAsync", Cancellation));

        Assert.Single(sidecar.Requests);
    }

    [Fact]
    public async Task Cancelling_and_the_time_limit_end_a_call()
    {
        await using var sidecar = await RecordingSidecar.StartAsync();
        using var stop = new CancellationTokenSource();
        sidecar.Answer = async http =>
        {
            await stop.CancelAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, http.RequestAborted);
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Factory(sidecar).CreateActorProxy<ICounter>(new ActorId("7"), "Counter").JoinAsync("b", "a", stop.Token));
        var hasty = new ActorProxyOptions { HttpEndpoint = sidecar.Address, RequestTimeout = TimeSpan.FromMilliseconds(100) };
        await Assert.ThrowsAsync<DaprException>(() => new ActorProxyFactory(hasty).Create(new ActorId("7"), "Counter").InvokeMethodAsync("GetAsync", Cancellation));
    }

    [Fact]
    public async Task The_handler_of_the_caller_is_used()
    {
        var handler = new Canned();
        var factory = new ActorProxyFactory(handler: handler);

        Assert.Equal(5, await factory.Create(new ActorId("7"), "Counter").InvokeMethodAsync<int>("GetAsync", Cancellation));
    }

    [Fact]
    public void Proxies_know_their_actor()
    {
        var typed = ActorProxy.Create<ICounter>(new ActorId("7"), "Counter");
        var untyped = ActorProxy.Create(new ActorId("8"), "Counter");

        Assert.Equal(("7", "Counter"), (((IActorProxy)typed).ActorId.GetId(), ((IActorProxy)typed).ActorType));
        Assert.Equal(("8", "Counter"), (untyped.ActorId.GetId(), untyped.ActorType));
        Assert.Equal("7", ActorReference.Get(typed).ActorId.GetId());
    }

    [Theory]
    [InlineData(typeof(string))]
    [InlineData(typeof(IDisposable))]
    [InlineData(typeof(INoTask))]
    public void Only_interfaces_of_actors_have_proxies(Type type) =>
        Assert.Throws<ArgumentException>(() => new ActorProxyFactory().CreateActorProxy(new ActorId("7"), type, "Counter"));

    [Fact]
    public async Task A_path_cannot_be_left()
    {
        var proxy = new ActorProxyFactory().Create(new ActorId(".."), "Counter");

        await Assert.ThrowsAsync<ArgumentException>(() => proxy.InvokeMethodAsync("GetAsync", Cancellation));
    }

    private static ActorProxyFactory Factory(RecordingSidecar sidecar, bool json = false) =>
        new(new ActorProxyOptions { HttpEndpoint = sidecar.Address, DaprApiToken = "t0ken", UseJsonSerialization = json });

    private static readonly DataContractSerializer Official = new(typeof(WrappedMsgBody), [typeof(JoinAsyncReqBody), typeof(JoinAsyncRespBody)]);

    private static byte[] Serialize(WrappedMsgBody body)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlDictionaryWriter.CreateBinaryWriter(stream, null, null, ownsStream: false))
        {
            Official.WriteObject(writer, body);
        }

        return stream.ToArray();
    }

    private static WrappedMsgBody Deserialize(byte[] bytes)
    {
        using var reader = XmlDictionaryReader.CreateBinaryReader(bytes, XmlDictionaryReaderQuotas.Max);
        return (WrappedMsgBody)Official.ReadObject(reader)!;
    }

    public interface INoTask : IActor
    {
        int Get();
    }

    public interface IOfRecords : IActor
    {
        Task TakeAsync(Positional value);
    }

    public sealed record Positional(int Value);

    /// <summary>The contracts of the official package, written down.</summary>
    [DataContract(Name = "WrappedMsgBody", Namespace = "urn:actors")]
    private sealed class WrappedMsgBody
    {
        [DataMember(Name = "value", IsRequired = true, Order = 1)]
        public object? Value { get; set; }
    }

    [DataContract(Name = "JoinAsyncReqBody", Namespace = "urn:actors")]
    private sealed class JoinAsyncReqBody
    {
        [DataMember(Name = "first", IsRequired = true)]
        public string? First { get; set; }

        [DataMember(Name = "second", IsRequired = true)]
        public string? Second { get; set; }
    }

    [DataContract(Name = "JoinAsyncRespBody", Namespace = "urn:actors")]
    private sealed class JoinAsyncRespBody
    {
        [DataMember(Name = "retVal")]
        public string? RetVal { get; set; }
    }

    private sealed class Canned : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("5") });
    }
}
