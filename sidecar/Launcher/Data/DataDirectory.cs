using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Launcher.Data;

/// <summary>The places below the data directory (default: <c>.data</c> beside dapr.yaml).</summary>
internal sealed class DataDirectory(string path)
{
    public string Root { get; } = path;
    public string Lock => Path.Combine(Root, "lock");
    public string Secrets => Path.Combine(Root, "secrets.json");
    public string Store => Path.Combine(Root, "store");
    public string Objects => Path.Combine(Root, "objects");
    public string Servers => Path.Combine(Root, "servers");
    public string Logs => Path.Combine(Root, "logs");
    public string Run => Path.Combine(Root, "run");
    public string State => Path.Combine(Run, "state.json");
    public string SidecarRun => Path.Combine(Run, "sidecar.json");

    /// <summary>Makes the folders, for the owner alone: they hold tokens, secrets and photos.</summary>
    public void Create()
    {
        foreach (var folder in (string[])[Root, Objects, Logs, Run])
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Makes the secrets that the platform needs and that are missing. One that exists is never changed: it guards what was stored.</summary>
    public void CreateSecrets()
    {
        var secrets = File.Exists(Secrets) ? JsonNode.Parse(File.ReadAllBytes(Secrets))!.AsObject() : [];
        var made = secrets.TryAdd("identity-encryption-key", RandomNumberGenerator.GetHexString(64, lowercase: true));
        made |= secrets.TryAdd("callback-signing", $"whsec_{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}");
        if (made)
        {
            PrivateFile.Write(Secrets, JsonSerializer.SerializeToUtf8Bytes(secrets));
        }
    }
}
