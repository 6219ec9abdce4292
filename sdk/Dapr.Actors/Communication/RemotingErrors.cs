using System.Diagnostics;
using System.Runtime.Serialization;
using System.Text;
using System.Xml;

namespace Dapr.Actors.Communication;

/// <summary>What a method of a typed proxy threw, on its way to the caller: status 200, a header and a body (dapr-sdk §6.3).</summary>
internal static class RemotingErrors
{
    private const string Mark = "HasRemoteException";
    private const string Details = "RemoteMethodException";

    private static readonly DataContractSerializer Serializer = new(typeof(Data));

    public static (string Header, byte[] Body) Write(Exception exception)
    {
        var header = new ActorResponseMessageHeader();
        header.AddHeader(Mark, []);
        header.AddHeader(Details, Encoding.UTF8.GetBytes(Describe(exception)));
        using var stream = new MemoryStream();
        using (var writer = XmlDictionaryWriter.CreateBinaryWriter(stream, null, null, ownsStream: false))
        {
            Serializer.WriteObject(writer, new Data { Type = exception.GetType().FullName, Message = exception.Message });
        }

        return (RemotingHeaders.WriteResponse(header), stream.ToArray());
    }

    public static Exception Read(string header, byte[] body)
    {
        var details = "";
        try
        {
            details = RemotingHeaders.ReadResponse(header).TryGetHeaderValue(Details, out var text) ? Encoding.UTF8.GetString(text) : "";
            using var reader = XmlDictionaryReader.CreateBinaryReader(body, XmlDictionaryReaderQuotas.Max);
            var data = (Data)Serializer.ReadObject(reader)!;
            return new ActorMethodInvocationException(
                $"Remote Actor Method Exception,  DETAILS: {details}", new ActorInvokeException(data.Type, data.Message), isTransient: false);
        }
        catch (Exception exception) when (exception is SerializationException or XmlException)
        {
            return new ActorMethodInvocationException($"Remote Actor Method Exception,  DETAILS: {details}", exception, isTransient: false);
        }
    }

    private static string Describe(Exception exception)
    {
        var frame = new StackTrace(exception, fNeedFileInfo: true).GetFrame(0);
        return $"Exception: {exception.GetType().Name}, Method Name: {frame?.GetMethod()?.Name}, "
            + $"Line Number: {frame?.GetFileLineNumber() ?? 0}, Exception uuid: {Guid.NewGuid()}";
    }

    [DataContract(Name = "ActorInvokeExceptionData", Namespace = "urn:actors")]
    private sealed class Data
    {
        [DataMember]
        public string? Type { get; set; }

        [DataMember]
        public string? Message { get; set; }
    }
}
