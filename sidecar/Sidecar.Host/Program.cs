using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Api;

// usage: Sidecar.Host --run FILE       FILE: a SidecarRun as JSON
//        Sidecar.Host --check FILE     prints what its component files hold, a ComponentReport as JSON
if (args is not ["--run" or "--check", var file])
{
    Console.Error.WriteLine("usage: Sidecar.Host --run|--check FILE");
    return 2;
}

try
{
    var run = JsonSerializer.Deserialize<SidecarRun>(await File.ReadAllBytesAsync(file), SidecarRun.JsonOptions)
        ?? throw new ComponentException($"{file} is empty");
    if (args[0] == "--check")
    {
        Console.WriteLine(JsonSerializer.Serialize(await ComponentCheck.RunAsync(run), SidecarRun.JsonOptions));
        return 0;
    }

    await using var sidecar = await SidecarServer.StartAsync(run);
    await sidecar.WaitForShutdownAsync();
    // A launcher has been told when no app is left: its signal comes now, and then this end is an expected one.
    // The limit is for a sidecar that nobody launched.
    await sidecar.WaitForSignalAsync(TimeSpan.FromSeconds(10));
    return 0;
}
catch (Exception exception) when (exception is ComponentException or IOException or JsonException)
{
    // One line for the operator; what happened is in it.
    Console.Error.WriteLine(exception.Message);
    return 1;
}
