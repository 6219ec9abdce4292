using System.Globalization;
using System.Runtime.Serialization;
using System.Text;
using System.Xml;

namespace Dapr.Actors.Communication;

/// <summary>Headers of remoting: XML in one line of ASCII (dapr-sdk §6.3).</summary>
internal static class RemotingHeaders
{
    private static readonly DataContractSerializer Request = new(typeof(IActorRequestMessageHeader), [typeof(ActorRequestMessageHeader)]);
    private static readonly DataContractSerializer Response = new(typeof(IActorResponseMessageHeader), [typeof(ActorResponseMessageHeader)]);

    public static string WriteRequest(string actorType, ActorId actorId, ActorMethod method) => Write(Request, new ActorRequestMessageHeader
    {
        MethodId = method.MethodId,
        InterfaceId = method.InterfaceId,
        ActorId = actorId,
        CallContext = ActorReentrancy.Chain ?? Guid.NewGuid().ToString(),
        MethodName = method.Name,
        ActorType = actorType,
    });

    public static IActorRequestMessageHeader ReadRequest(string text) => (IActorRequestMessageHeader)Read(Request, text);

    public static string WriteResponse(ActorResponseMessageHeader header) => Write(Response, header);

    public static IActorResponseMessageHeader ReadResponse(string text) => (IActorResponseMessageHeader)Read(Response, text);

    private static string Write(DataContractSerializer serializer, object header)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlDictionaryWriter.CreateTextWriter(stream, Encoding.UTF8, ownsStream: false))
        {
            serializer.WriteObject(writer, header);
        }

        return ToHeaderValue(Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length));
    }

    /// <summary>What a header of HTTP cannot carry, as character references: it can only be in text.</summary>
    private static string ToHeaderValue(string xml)
    {
        if (Ascii.IsValid(xml) && !xml.AsSpan().ContainsAnyInRange('\0', '\u001f'))
        {
            return xml;
        }

        var text = new StringBuilder(xml.Length * 2);
        foreach (var rune in xml.EnumerateRunes())
        {
            _ = rune.Value is >= ' ' and < '\u007f'
                ? text.Append((char)rune.Value)
                : text.Append(CultureInfo.InvariantCulture, $"&#x{rune.Value:X};");
        }

        return text.ToString();
    }

    private static object Read(DataContractSerializer serializer, string text)
    {
        using var reader = XmlDictionaryReader.CreateTextReader(Encoding.UTF8.GetBytes(text), XmlDictionaryReaderQuotas.Max);
        return serializer.ReadObject(reader) ?? throw new SerializationException("The header of the call is empty.");
    }
}
