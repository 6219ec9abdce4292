using Sidecar.Components.Redis.Tests.PubSub;

// "consumer HOST:PORT TOPIC" is the process that the tests of takeovers freeze; everything else is xUnit's.
return args is ["consumer", var address, var topic]
    ? await FrozenConsumer.RunAsync(address, topic)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
