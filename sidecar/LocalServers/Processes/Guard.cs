using System.Diagnostics;
using System.Globalization;

namespace LocalServers.Processes;

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
        # -s, because not every shell takes "-0 --". Succeeds when a process was there to take the signal.
        each() {
          found=1
          for pid in $pids; do
            kill -s "$1" -- "-$pid" 2>/dev/null && found=0 || kill -s "$1" -- "$pid" 2>/dev/null && found=0
          done
          return $found
        }
        # Frozen children that lead a session of their own, as PostgreSQL's do, would never notice that their parent is gone.
        wake() {
          kill -s CONT -- "$1" 2>/dev/null
          for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do wake "$child"; done
        }
        for pid in $pids; do wake "$pid"; done
        each TERM
        tries=0
        while [ $tries -lt 50 ]; do
          each 0 || exit 0
          tries=$((tries + 1))
          sleep 0.1
        done
        each KILL
        """;

    private readonly Process _shell;
    private readonly Lock _gate = new();

    public Guard()
    {
        // In a session of its own: who kills the launcher's whole process group must not silence the guard.
        _shell = Process.Start(new ProcessStartInfo(
            "/bin/sh",
            ["-c", """if command -v setsid >/dev/null; then exec setsid "$@"; fi; exec "$@" """, "sh", "/bin/sh", "-c", Script, "tandem-guard"])
        { RedirectStandardInput = true })!;
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
