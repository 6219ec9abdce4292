using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Dapr.Actors.Communication;

/// <summary>Arguments and results of typed proxies as bytes. A call without arguments and a method without a result have an empty body.</summary>
internal abstract class RemotingBody
{
    private static readonly DataContractBody DataContract = new();
    private static readonly ConditionalWeakTable<JsonSerializerOptions, JsonBody> JsonBodies = [];

    public static RemotingBody For(bool json, JsonSerializerOptions options) =>
        json ? JsonBodies.GetValue(options, static options => new JsonBody(options)) : DataContract;

    /// <summary>Which of the two forms these bytes have: an object of JSON cannot be the start of binary XML. The usual one when there are none.</summary>
    public static RemotingBody Of(ReadOnlySpan<byte> bytes, RemotingBody usual, JsonSerializerOptions? json = null) => bytes switch
    {
        [] => usual,
        [(byte)'{', ..] => usual as JsonBody ?? For(json: true, json ?? JsonSerializerOptions.Web),
        _ => DataContract,
    };

    /// <summary>Writes the arguments; further ones are ignored.</summary>
    public abstract byte[] WriteRequest(ActorMethod method, object?[] arguments);

    public abstract object?[] ReadRequest(ActorMethod method, byte[] body);

    public abstract byte[] WriteResponse(ActorMethod method, object? result);

    public abstract object? ReadResponse(ActorMethod method, byte[] body);
}
