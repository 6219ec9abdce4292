using System.Text.Json;

namespace Dapr.Actors.Communication;

/// <summary><c>{"value":{"name":…}}</c> and <c>{"value":{"retVal":…}}</c> (dapr-sdk §6.3). Fields count as members.</summary>
internal sealed class JsonBody(JsonSerializerOptions options) : RemotingBody
{
    private const string Result = "retVal";

    private readonly JsonSerializerOptions _options = new(options) { IncludeFields = true };

    public override byte[] WriteRequest(ActorMethod method, object?[] arguments) => method.Parameters.Count == 0
        ? []
        : Write(method.Parameters.Select((parameter, index) => (parameter.Name!, parameter.ParameterType, arguments[index])));

    public override byte[] WriteResponse(ActorMethod method, object? result) =>
        method.ResultType is { } type ? Write([(Result, type, result)]) : [];

    public override object?[] ReadRequest(ActorMethod method, byte[] body) =>
        Read(body, [.. method.Parameters.Select(parameter => (parameter.Name!, parameter.ParameterType))]);

    public override object? ReadResponse(ActorMethod method, byte[] body) => Read(body, [(Result, method.ResultType!)])[0];

    private byte[] Write(IEnumerable<(string Name, Type Type, object? Value)> members)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("value");
            foreach (var (name, type, value) in members)
            {
                writer.WritePropertyName(name);
                JsonSerializer.Serialize(writer, value, type, _options);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private object?[] Read(byte[] body, IReadOnlyList<(string Name, Type Type)> members)
    {
        var values = new object?[members.Count];
        using var document = body.Length == 0 ? null : JsonDocument.Parse(body);
        for (var i = 0; i < values.Length; i++)
        {
            var (name, type) = members[i];
            values[i] = document is not null && Find(document.RootElement, "value") is { } value && Find(value, name) is { } member
                ? member.Deserialize(type, _options)
                : type.IsValueType ? Activator.CreateInstance(type) : null;
        }

        return values;
    }

    private static JsonElement? Find(JsonElement element, string name) => element.ValueKind == JsonValueKind.Object
        ? element.EnumerateObject().Where(member => member.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(member => (JsonElement?)member.Value).FirstOrDefault()
        : null;
}
