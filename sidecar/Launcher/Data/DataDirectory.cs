using System.Security.Cryptography;
using System.Text.Json;

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

    /// <summary>Makes the secrets of a new installation. An existing file is never changed: signed tokens must stay valid.</summary>
    public void CreateSecrets()
    {
        if (File.Exists(Secrets))
        {
            return;
        }

        var secrets = new Dictionary<string, string> { ["identity-signing-key"] = RandomNumberGenerator.GetHexString(64, lowercase: true) };
        PrivateFile.Write(Secrets, JsonSerializer.SerializeToUtf8Bytes(secrets));
    }
}
