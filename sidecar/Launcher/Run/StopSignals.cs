using System.Runtime.InteropServices;

namespace Launcher.Run;

/// <summary>First INT, TERM or HUP: stop in order. Second INT: kill what still runs.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, mayHurry: true)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, mayHurry: false)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => OnSignal(context, mayHurry: false)),
    ];

    public CancellationToken Stop => _stop.Token;

    public CancellationToken Hurry => _hurry.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void OnSignal(PosixSignalContext context, bool mayHurry)
    {
        context.Cancel = true;
        if (mayHurry && _stop.IsCancellationRequested)
        {
            _hurry.Cancel();
        }

        _stop.Cancel();
    }
}
