using System.Security.Cryptography;
using System.Text;

namespace Dapr.Workflow.Worker;

/// <summary>Name-based GUIDs (RFC 9562 version 5, SHA-1): the same at every replay, and the same as the official worker's.</summary>
internal static class DeterministicGuid
{
    private static readonly Guid TextNamespace = new("6f927a2e-9c7e-4a1d-9b8d-7a86f2e7f62f");

    /// <summary>The namespace of an execution: its id when that is a GUID, else a GUID made from it.</summary>
    public static Guid Namespace(string executionId) =>
        Guid.TryParse(executionId, out var guid) ? guid : Create(TextNamespace, executionId);

    public static Guid Create(Guid nameSpace, string name)
    {
        var input = new byte[16 + Encoding.UTF8.GetByteCount(name)];
        nameSpace.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input.AsSpan(16));

        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // SHA-1 is what version 5 is defined with; nothing is secured by it.
        SHA1.HashData(input, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
