using System.Text.Json;
using Sidecar.Abstractions;
using Sidecar.Api;

// usage: Sidecar.Host --run FILE     FILE: a SidecarRun as JSON
if (args is not ["--run", var file])
{
    Console.Error.WriteLine("usage: Sidecar.Host --run FILE");
    return 2;
}

try
{
    var run = JsonSerializer.Deserialize<SidecarRun>(await File.ReadAllBytesAsync(file), SidecarRun.JsonOptions)
        ?? throw new ComponentException($"{file} is empty");
    await using var sidecar = await SidecarServer.StartAsync(run);
    await sidecar.WaitForShutdownAsync();
    return 0;
}
catch (Exception exception) when (exception is ComponentException or IOException or JsonException)
{
    // One line for the operator; what happened is in it.
    Console.Error.WriteLine(exception.Message);
    return 1;
}
