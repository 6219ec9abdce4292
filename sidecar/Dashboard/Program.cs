using Dashboard;

// usage: Dashboard --data-dir FOLDER [--port N]     shows the run whose data is in FOLDER; port 0, the default, is a free one
if (args is not ["--data-dir", var folder, .. var rest] || rest is not ([] or ["--port", _]) || !ushort.TryParse(rest is [_, var text] ? text : "0", out var port))
{
    Console.Error.WriteLine("usage: Dashboard --data-dir FOLDER [--port N]");
    return 2;
}

try
{
    await using var dashboard = await DashboardServer.StartAsync(folder, port);
    Console.WriteLine($"open {dashboard.Address}");
    await dashboard.WaitForShutdownAsync();
    return 0;
}
catch (IOException exception)
{
    // A port that is taken; one line for the person who gave it.
    Console.Error.WriteLine(exception.Message);
    return 1;
}
