using System.Runtime.Serialization;

namespace Dapr.Actors.Communication;

/// <summary>The content of <c>X-DaprErrorResponseHeader</c>.</summary>
[DataContract(Name = "ActorResponseMessageHeaders", Namespace = "urn:actors")]
internal sealed class ActorResponseMessageHeader : IActorResponseMessageHeader
{
    [DataMember(Name = "Headers", IsRequired = true, Order = 2)]
    private readonly Dictionary<string, byte[]> _headers = [];

    public void AddHeader(string headerName, byte[] headerValue) => _headers.Add(headerName, headerValue);

    public bool TryGetHeaderValue(string headerName, out byte[] headerValue) => _headers.TryGetValue(headerName, out headerValue!);

    public bool CheckIfItsEmpty() => _headers.Count == 0;
}
