using Contracts;
using Dapr.Client;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using Webhooks;

namespace Desk.Callbacks;

/// <summary>The secrets that callbacks are signed with, from the secret store, read again now and then so that a rotation needs no restart.</summary>
public sealed class SigningSecrets(DaprClient dapr, IOptions<CallbackOptions> options, TimeProvider time)
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private (IReadOnlyList<WebhookSecret> Secrets, DateTimeOffset Until)? _kept;

    /// <summary>All of them, the newest first. Throws when there are none that can be used: an unsigned callback is worse than a late one.</summary>
    public async Task<IReadOnlyList<WebhookSecret>> GetAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_kept is not { } kept || kept.Until <= time.GetUtcNow())
            {
                _kept = kept = (await ReadAsync(cancellationToken), time.GetUtcNow() + options.Value.SecretsKept);
            }

            return kept.Secrets;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<IReadOnlyList<WebhookSecret>> ReadAsync(CancellationToken cancellationToken)
    {
        var name = options.Value.Secret;
        var text = await dapr.ReadSecretAsync(name, cancellationToken) ?? "";
        WebhookSecret[] secrets = [.. text.Split([' ', ',', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(WebhookSecret.Parse)];
        return secrets.Length > 0 ? secrets : throw new InvalidOperationException($"secret '{name}' of component '{Components.Secrets}' holds no signing secret");
    }
}
