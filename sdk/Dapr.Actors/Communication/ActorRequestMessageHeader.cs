using System.Runtime.Serialization;

namespace Dapr.Actors.Communication;

/// <summary>The content of <c>X-DaprRequestHeader</c>.</summary>
[DataContract(Name = "ActorHeader", Namespace = "urn:actors")]
internal sealed class ActorRequestMessageHeader : IActorRequestMessageHeader
{
    [DataMember(Name = "Headers", IsRequired = true, Order = 5)]
    private readonly Dictionary<string, byte[]> _headers = [];

    [DataMember(IsRequired = true, Order = 0)]
    public int MethodId { get; set; }

    [DataMember(IsRequired = true, Order = 1)]
    public int InterfaceId { get; set; }

    [DataMember(IsRequired = false, Order = 2, EmitDefaultValue = false)]
    public string InvocationId { get; set; } = null!;

    [DataMember(IsRequired = false, Order = 3)]
    public ActorId ActorId { get; set; } = null!;

    [DataMember(IsRequired = false, Order = 4)]
    public string CallContext { get; set; } = null!;

    [DataMember(IsRequired = false, Order = 6)]
    public string MethodName { get; set; } = null!;

    [DataMember(IsRequired = false, Order = 7)]
    public string ActorType { get; set; } = null!;

    public void AddHeader(string headerName, byte[] headerValue) => _headers.Add(headerName, headerValue);

    public bool TryGetHeaderValue(string headerName, out byte[] headerValue) => _headers.TryGetValue(headerName, out headerValue!);
}
