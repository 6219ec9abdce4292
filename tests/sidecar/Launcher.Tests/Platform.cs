using System.Runtime.Versioning;

// As the launcher itself.
[assembly: UnsupportedOSPlatform("windows")]
