using Microsoft.Extensions.Options;

namespace ScanWorker.Stages;

/// <summary>How much of the expensive work of a stage this process does at a time, see <see cref="ScanWorkerOptions"/>.</summary>
public sealed class StageGates(IOptions<ScanWorkerOptions> options) : IDisposable
{
    /// <summary>Pictures in memory.</summary>
    public SemaphoreSlim Pictures { get; } = new(options.Value.VisionConcurrency);

    /// <summary>Answers being written.</summary>
    public SemaphoreSlim Answers { get; } = new(options.Value.AnswerConcurrency);

    public void Dispose()
    {
        Pictures.Dispose();
        Answers.Dispose();
    }
}

/// <summary>Use of a gate.</summary>
internal static class StageGateExtensions
{
    /// <summary>Runs when it is its turn.</summary>
    public static async Task<T> RunAsync<T>(this SemaphoreSlim gate, Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await gate.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            gate.Release();
        }
    }
}
