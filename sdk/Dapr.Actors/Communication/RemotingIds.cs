using System.Reflection;
using System.Text;

namespace Dapr.Actors.Communication;

/// <summary>How interfaces and methods are known on the wire: the low half of a CRC-64 of their names (dapr-sdk §6.3).</summary>
internal static class RemotingIds
{
    private const ulong Polynomial = 0x42F0E1EBA9EA3693;

    public static int OfInterface(Type type) => Of(type.Namespace + type.Name);

    public static int OfMethod(MethodInfo method) => Of(method.DeclaringType!.Name + method.DeclaringType.Namespace + method.Name);

    /// <summary>CRC-64/WE: most significant bit first, all ones at start and end.</summary>
    internal static int Of(string name)
    {
        var crc = ulong.MaxValue;
        foreach (var value in Encoding.UTF8.GetBytes(name))
        {
            crc ^= (ulong)value << 56;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x8000000000000000) == 0 ? crc << 1 : (crc << 1) ^ Polynomial;
            }
        }

        return unchecked((int)~crc);
    }
}
