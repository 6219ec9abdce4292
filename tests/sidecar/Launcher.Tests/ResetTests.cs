using Launcher.Commands;
using Launcher.Data;
using TestKit;

namespace Launcher.Tests;

public sealed class ResetTests : IDisposable
{
    private readonly TempDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Deletes_what_the_apps_have_stored_and_keeps_secrets_and_logs()
    {
        var data = new DataDirectory(_folder.Path);
        data.Create();
        data.CreateSecrets();
        Directory.CreateDirectory(data.Store);
        string[] stored = [Path.Combine(data.Store, "1.log"), Path.Combine(data.Objects, "photo")];
        string[] kept = [Path.Combine(data.Logs, "app.log"), data.Secrets];
        foreach (var file in (string[])[.. stored, kept[0]])
        {
            File.WriteAllText(file, "x");
        }

        Assert.Equal(0, OtherCommands.Reset(data, yes: true));

        Assert.All(stored, file => Assert.False(File.Exists(file), file));
        Assert.All(kept, file => Assert.True(File.Exists(file), file));
    }

    [Fact]
    public void Has_nothing_to_do_before_the_first_run() =>
        Assert.Equal(0, OtherCommands.Reset(new DataDirectory(Path.Combine(_folder.Path, "none")), yes: true));
}
