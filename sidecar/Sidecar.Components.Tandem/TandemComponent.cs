using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Sidecar.Abstractions;
using Sidecar.Components.Tandem.Store;

namespace Sidecar.Components.Tandem;

/// <summary>
/// What the components of the file store have in common: a share in the store of the data directory, and metadata
/// <c>fsync</c> (default true; "false" for throw-away runs: writes survive the process, not a crash of the machine).
/// </summary>
public abstract class TandemComponent : IOpenedComponent
{
    private FileStoreLease? _lease;

    private protected TandemComponent(ComponentContext context)
    {
        Context = context;
        Time = context.Services.GetService<TimeProvider>() ?? TimeProvider.System;
    }

    private protected ComponentContext Context { get; }

    private protected TimeProvider Time { get; }

    private protected Durability Durability { get; private set; }

    private protected FileStore Store =>
        _lease?.Store ?? throw new InvalidOperationException($"component '{Context.Name}' is not initialised");

    /// <inheritdoc/>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        var fault = Context.Services.GetService<SidecarFault>();
        var options = new StoreOptions { Time = Time, Logger = Logger, Fault = exception => fault?.Report(exception) };
        _lease = await FileStores.AcquireAsync(Context.DataDirectory, options, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task InitAsync(CancellationToken cancellationToken)
    {
        Durability = Context.Metadata.Bool("fsync", true) ? Durability.Flushed : Durability.Written;
        if (_lease is null)
        {
            await OpenAsync(cancellationToken);
        }

        try
        {
            await StartAsync(cancellationToken);
        }
        catch
        {
            await _lease!.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_lease is not null)
        {
            await _lease.DisposeAsync();
        }
    }

    private protected virtual ValueTask StartAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    private protected ILogger Logger =>
        Context.Services.GetService<ILoggerFactory>()?.CreateLogger<TandemComponent>() ?? (ILogger)NullLogger.Instance;
}
