using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Receiver;

/// <summary>
/// What was taken, a file per message: the effect of this sample and its memory are one. Where there is a database the id belongs there, written in the
/// transaction of the effect.
/// </summary>
/// <param name="folder">Where it is kept.</param>
/// <param name="remember">How long; longer than desk waits between two attempts.</param>
internal sealed class Inbox(string folder, TimeSpan remember)
{
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(folder);

    /// <summary>Keeps a message; false when it was there. When this returns it outlives the process.</summary>
    public bool TryTake(string id, byte[] body)
    {
        var path = Path.Combine(_folder.FullName, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))}.json");
        lock (_folder)
        {
            foreach (var old in _folder.EnumerateFiles("*.json").Where(file => file.LastWriteTimeUtc < TimeProvider.System.GetUtcNow() - remember))
            {
                old.Delete();
            }

            if (File.Exists(path))
            {
                return false;
            }

            using (var file = File.Create($"{path}.new"))
            {
                file.Write(body);
                file.Flush(flushToDisk: true);
            }

            File.Move($"{path}.new", path);
            return true;
        }
    }

    /// <summary>All of it, the oldest first.</summary>
    public List<JsonElement> All() =>
        [.. _folder.GetFiles("*.json").OrderBy(file => file.LastWriteTimeUtc).Select(file => JsonElement.Parse(File.ReadAllBytes(file.FullName)))];
}
