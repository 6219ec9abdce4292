namespace Launcher.Run;

/// <summary>The source tree this launcher was built from; it holds the project of the sidecar.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string SidecarProject => Path.Combine(Root, "sidecar", "Sidecar.Host", "Sidecar.Host.csproj");

    public static string DashboardProject => Path.Combine(Root, "sidecar", "Dashboard", "Dashboard.csproj");

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "sidecar", "Sidecar.Host", "Sidecar.Host.csproj")))
            {
                return folder.FullName;
            }
        }

        throw new LauncherException($"no sidecar/Sidecar.Host above {AppContext.BaseDirectory}: start the launcher with ./daprw of the repository");
    }
}
