using System.Security.Cryptography;

namespace LocalServers;

internal static class Password
{
    /// <summary>Letters and digits, so that it needs no quoting in any file or address.</summary>
    public static string New() => RandomNumberGenerator.GetHexString(32, lowercase: true);
}
