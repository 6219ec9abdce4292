using Sidecar.Abstractions;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.Secrets;

/// <summary>Secrets that one app instance may read (dapr-http §7).</summary>
public sealed class SecretService(AppInstance app)
{
    /// <summary>The values of a secret by sub-key; 403 when the app's Configuration does not allow it.</summary>
    public async Task<IReadOnlyDictionary<string, string>> GetAsync(string store, string key, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var component = Find(store);
        if (!app.Configuration.IsSecretAllowed(store, key))
        {
            throw new DaprErrorException(403, "ERR_PERMISSION_DENIED", $"access denied by policy to get {key} from {store}");
        }

        try
        {
            return await Policy(store).ExecuteAsync(token => component.GetAsync(key, metadata, token).AsTask(), _ => default, _ => true, app.Time, cancellationToken)
                ?? throw new KeyNotFoundException("secret not found");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new DaprErrorException(
                500, "ERR_SECRET_GET", $"failed getting secret with key {key} from secret store {store}: {exception.Message}", innerException: exception);
        }
    }

    /// <summary>All secrets that the app may read.</summary>
    public async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> GetAllAsync(
        string store, ComponentMetadata metadata, CancellationToken cancellationToken)
    {
        var component = Find(store);
        try
        {
            var all = await Policy(store).ExecuteAsync(token => component.GetAllAsync(metadata, token).AsTask(), _ => default, _ => true, app.Time, cancellationToken);
            return all.Where(secret => app.Configuration.IsSecretAllowed(store, secret.Key)).ToDictionary();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new DaprErrorException(
                500, "ERR_SECRET_GET", $"failed getting secrets from secret store {store}: {exception.Message}", innerException: exception);
        }
    }

    private ExecutionPolicy Policy(string store) => app.Resiliency.ForOutbound(store, "Secretstore");

    private ISecretStore Find(string store) => app.Components.Find<ISecretStore>(store) ?? throw (app.Components.Any<ISecretStore>()
        ? new DaprErrorException(401, "ERR_SECRET_STORE_NOT_FOUND", $"failed finding secret store with key {store}{app.Components.WhyMissing(store)}")
        : new DaprErrorException(500, "ERR_SECRET_STORES_NOT_CONFIGURED", $"secret store is not configured{app.Components.WhyMissing(store)}"));
}
