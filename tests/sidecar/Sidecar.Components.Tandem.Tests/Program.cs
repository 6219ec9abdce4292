using Sidecar.Components.Tandem.Tests;

// "victim DIRECTORY SEED" is the process that CrashTests kills; everything else is xUnit's.
return args is ["victim", var directory, var seed]
    ? await Victim.RunAsync(directory, int.Parse(seed, null))
    : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
