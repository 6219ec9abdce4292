using System.Runtime.Versioning;

// Signals, file modes and the shell guard are those of Linux and macOS; on Windows the launcher runs inside WSL.
[assembly: UnsupportedOSPlatform("windows")]
