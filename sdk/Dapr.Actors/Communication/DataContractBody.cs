using System.Collections.Concurrent;
using System.Runtime.Serialization;
using System.Xml;

namespace Dapr.Actors.Communication;

/// <summary>
/// Data contracts in binary XML (dapr-sdk §6.3): <c>WrappedMsgBody</c> holds a <c>value</c> whose contract is called after the
/// method, <c>AddReqBody</c> or <c>AddRespBody</c>, with one member for each argument, sorted by name, or <c>retVal</c>.
/// </summary>
internal sealed class DataContractBody : RemotingBody
{
    private const string Namespace = "urn:actors";
    private const string Instance = "http://www.w3.org/2001/XMLSchema-instance";
    private const string Result = "retVal";

    private static readonly ConcurrentDictionary<(Type Type, string Name), DataContractSerializer> Serializers = new();

    public override byte[] WriteRequest(ActorMethod method, object?[] arguments) => method.Parameters.Count == 0
        ? []
        : Write($"{method.Name}ReqBody", method.Parameters
            .Select((parameter, index) => (Name: parameter.Name!, parameter.ParameterType, arguments[index])).OrderBy(member => member.Name, StringComparer.Ordinal));

    public override byte[] WriteResponse(ActorMethod method, object? result) =>
        method.ResultType is { } type ? Write($"{method.Name}RespBody", [(Result, type, result)]) : [];

    public override object?[] ReadRequest(ActorMethod method, byte[] body) =>
        Read(body, [.. method.Parameters.Select(parameter => (parameter.Name!, parameter.ParameterType))]);

    public override object? ReadResponse(ActorMethod method, byte[] body) => Read(body, [(Result, method.ResultType!)])[0];

    private static byte[] Write(string contract, IEnumerable<(string Name, Type Type, object? Value)> members)
    {
        using var stream = new MemoryStream();
        using (var writer = XmlDictionaryWriter.CreateBinaryWriter(stream, null, null, ownsStream: false))
        {
            writer.WriteStartElement("WrappedMsgBody", Namespace);
            writer.WriteAttributeString("xmlns", "i", null, Instance);
            writer.WriteStartElement("value", Namespace);
            writer.WriteStartAttribute("i", "type", Instance);
            writer.WriteQualifiedName(contract, Namespace);
            writer.WriteEndAttribute();
            foreach (var (name, type, value) in members)
            {
                Serializer(type, name).WriteObject(writer, value);
            }

            writer.WriteEndElement();
            writer.WriteEndElement();
        }

        return stream.ToArray();
    }

    private static object?[] Read(byte[] body, IReadOnlyList<(string Name, Type Type)> members)
    {
        object?[] values = [.. members.Select(member => member.Type.IsValueType ? Activator.CreateInstance(member.Type) : null)];
        if (body.Length == 0)
        {
            return values;
        }

        using var reader = XmlDictionaryReader.CreateBinaryReader(body, XmlDictionaryReaderQuotas.Max);
        reader.ReadStartElement("WrappedMsgBody", Namespace);
        var empty = reader.IsEmptyElement;
        reader.ReadStartElement("value", Namespace);
        while (!empty && reader.MoveToContent() == XmlNodeType.Element)
        {
            var index = Index(members, reader.LocalName);
            if (index < 0)
            {
                reader.Skip();
                continue;
            }

            values[index] = Serializer(members[index].Type, members[index].Name).ReadObject(reader, verifyObjectName: false);
        }

        return values;
    }

    private static int Index(IReadOnlyList<(string Name, Type Type)> members, string name)
    {
        for (var i = 0; i < members.Count; i++)
        {
            if (members[i].Name == name)
            {
                return i;
            }
        }

        return -1;
    }

    private static DataContractSerializer Serializer(Type type, string name) => Serializers.GetOrAdd((type, name), static key =>
    {
        var serializer = new DataContractSerializer(key.Type, key.Name, Namespace, [typeof(ActorReference)]);
        serializer.SetSerializationSurrogateProvider(ActorsAsReferences.Instance);
        return serializer;
    });

    /// <summary>An actor or a proxy travels as a reference and arrives as a proxy.</summary>
    private sealed class ActorsAsReferences : ISerializationSurrogateProvider
    {
        public static readonly ActorsAsReferences Instance = new();

        public Type GetSurrogateType(Type type) => typeof(IActor).IsAssignableFrom(type) ? typeof(ActorReference) : type;

        public object GetObjectToSerialize(object obj, Type targetType) => obj is IActor ? ActorReference.Get(obj) : obj;

        public object GetDeserializedObject(object obj, Type targetType) =>
            obj is ActorReference reference && typeof(IActor).IsAssignableFrom(targetType) ? reference.Bind(targetType) : obj;
    }
}
