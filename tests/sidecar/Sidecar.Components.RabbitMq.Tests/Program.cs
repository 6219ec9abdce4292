using Sidecar.Components.RabbitMq.Tests;

// "consumer ADDRESS" is the process that ConsumerFaultTests freezes; everything else is xUnit's.
return args is ["consumer", var address]
    ? await FrozenConsumer.RunAsync(address)
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
