using System.Diagnostics;
using System.Globalization;

namespace Launcher.Processes;

/// <summary>
/// A shell that ends the children when the launcher is gone, however that happened: it is told their pids on its standard input and acts when
/// that closes. Children wait for their pid to be listed before they start, so there is no moment in which one could be forgotten.
/// </summary>
internal sealed class Guard : IDisposable
{
    private const string Script =
        """
        trap "" INT HUP TERM
        pids=
        while read -r line; do
          case $line in
            +*) pids="$pids ${line#+}" ;;
            -*) kept=
                for pid in $pids; do [ "$pid" = "${line#-}" ] || kept="$kept $pid"; done
                pids=$kept ;;
          esac
        done
        for pid in $pids; do kill -TERM "$pid" 2>/dev/null; done
        tries=0
        while [ $tries -lt 50 ]; do
          alive=
          for pid in $pids; do kill -0 "$pid" 2>/dev/null && alive=1; done
          [ -n "$alive" ] || exit 0
          tries=$((tries + 1))
          sleep 0.1
        done
        for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
        """;

    private readonly Process _shell;
    private readonly Lock _gate = new();

    public Guard()
    {
        _shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script, "tandem-guard"]) { RedirectStandardInput = true })!;
        _shell.StandardInput.AutoFlush = true;
    }

    public void Add(int pid) => Tell('+', pid);

    public void Remove(int pid) => Tell('-', pid);

    public void Dispose()
    {
        _shell.StandardInput.Dispose();
        _shell.WaitForExit();
        _shell.Dispose();
    }

    private void Tell(char sign, int pid)
    {
        try
        {
            lock (_gate)
            {
                _shell.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{sign}{pid}"));
            }
        }
        catch (IOException)
        {
            // Somebody killed the guard. The run goes on; only kill -9 of the launcher would now leave children.
        }
    }
}
