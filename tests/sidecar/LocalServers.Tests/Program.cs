using LocalServers;

// "parent SERVER running|frozen DIRECTORY" is the process that ParentTests kills; everything else is xUnit's.
if (args is not ["parent", var name, var state, var directory])
{
    return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
}

LocalServer server = name switch
{
    "redis" => new RedisServer(directory),
    "rabbitmq" => new RabbitMqServer(directory),
    _ => new PostgresServer(directory, new PostgresServerOptions { Durable = false }),
};
await server.StartAsync();
if (state == "frozen")
{
    await server.PauseAsync();
}

Console.WriteLine($"{server.Port} {server.Pid}");
await Task.Delay(Timeout.Infinite);
return 0;
