using System.Globalization;
using System.Net;
using System.Security.Authentication;
using Dapr.Actors.Client;
using Dapr.Client;

namespace Dapr.Actors.Communication;

/// <summary>
/// The actor API of the sidecar (dapr-sdk §6.2, HTTP §6.2). State, timers and reminders are repeated while the sidecar is away; a
/// call of a method only when it has certainly not come through.
/// </summary>
internal sealed class ActorSidecar
{
    public const string RequestHeader = "X-DaprRequestHeader";
    public const string ErrorHeader = "X-DaprErrorResponseHeader";

    private const string TtlHeader = "Metadata.ttlExpireTime";
    private const string Json = "application/json; charset=utf-8";

    private static readonly HttpMessageHandler SharedHandler = SidecarConnection.CreateHandler();

    private readonly SidecarConnection _connection;

    public ActorSidecar(ActorProxyOptions options, HttpMessageHandler? handler) => _connection = new SidecarConnection(
        options.HttpEndpoint, options.DaprApiToken ?? "",
        options.RequestTimeout is { } timeout && timeout > TimeSpan.Zero ? timeout : TimeSpan.Zero, handler ?? SharedHandler);

    /// <summary>Calls a method with JSON; the answer is JSON, or nothing.</summary>
    public async Task<byte[]> InvokeAsync(string type, ActorId id, string method, ReadOnlyMemory<byte>? body, CancellationToken cancellationToken)
    {
        using var response = await CallAsync(
            HttpMethod.Put, Path(type, id, "method", method), body, Json, AddChain, Repeat.Unsent, cancellationToken).ConfigureAwait(false);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Calls a method of a typed proxy; what the method threw is in the answer.</summary>
    public async Task<(string? ErrorHeader, byte[] Body)> InvokeRemotingAsync(
        string type, ActorId id, string method, string header, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var response = await CallAsync(
            HttpMethod.Put, Path(type, id, "method", method), body, "application/octet-stream; charset=utf-8",
            request =>
            {
                request.Headers.TryAddWithoutValidation(RequestHeader, header);
                AddChain(request);
            },
            Repeat.Unsent, cancellationToken).ConfigureAwait(false);
        return (
            response.Headers.TryGetValues(ErrorHeader, out var values) ? values.First() : null,
            await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Reads a state; empty when there is none.</summary>
    public async Task<(byte[] Value, DateTimeOffset? Expires)> GetStateAsync(string type, ActorId id, string name, CancellationToken cancellationToken)
    {
        using var response = await CallAsync(HttpMethod.Get, Path(type, id, "state", name), cancellationToken: cancellationToken).ConfigureAwait(false);
        var expires = response.Headers.TryGetValues(TtlHeader, out var values)
            && DateTimeOffset.TryParse(values.First(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : (DateTimeOffset?)null;
        return (await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false), expires);
    }

    /// <summary>Makes changes of state in one transaction.</summary>
    public Task SaveStateAsync(string type, ActorId id, ReadOnlyMemory<byte> changes, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, $"{Path(type, id)}/state", changes, "text/plain; charset=utf-8", cancellationToken);

    public Task PutScheduleAsync(string type, ActorId id, string kind, string name, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Put, Path(type, id, kind, name), body, Json, cancellationToken);

    public Task DeleteScheduleAsync(string type, ActorId id, string kind, string name, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Delete, Path(type, id, kind, name), null, null, cancellationToken);

    /// <summary>Reads a reminder; null when there is none.</summary>
    public async Task<byte[]?> GetReminderAsync(string type, ActorId id, string name, CancellationToken cancellationToken)
    {
        using var response = await _connection.SendAsync(
            HttpMethod.Get, Path(type, id, "reminders", name), null, null, null, Repeat.Always, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }

        await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task SendAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, string? contentType, CancellationToken cancellationToken)
    {
        using var response = await CallAsync(method, path, body, contentType, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private async Task<HttpResponseMessage> CallAsync(
        HttpMethod method, string path, ReadOnlyMemory<byte>? body = null, string? contentType = null, Action<HttpRequestMessage>? prepare = null,
        Repeat repeat = Repeat.Always, CancellationToken cancellationToken = default)
    {
        var response = await _connection.SendAsync(method, path, body, contentType, prepare, repeat, cancellationToken).ConfigureAwait(false);
        try
        {
            await ThrowOnFailureAsync(response, cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>401 and 403 are no matter of Dapr's error JSON; a bare 404 says that there is no such thing.</summary>
    private static async Task ThrowOnFailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
        {
            return;
        }

        var text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            throw new AuthenticationException($"The sidecar answered {(int)response.StatusCode}: {text}");
        }

        if (DaprHttpClient.ReadError(text) is var (code, message))
        {
            throw new DaprApiException(message, code, isTransient: false);
        }

        throw response.StatusCode == HttpStatusCode.NotFound && text.Length == 0
            ? new DaprApiException("The sidecar answered 404.", "ERR_DOES_NOT_EXIST", isTransient: false)
            : new DaprApiException($"The sidecar answered {(int)response.StatusCode}: {text}", "ERR_UNKNOWN", isTransient: false);
    }

    private static void AddChain(HttpRequestMessage request)
    {
        if (ActorReentrancy.Chain is { } chain)
        {
            request.Headers.TryAddWithoutValidation(ActorReentrancy.Header, chain);
        }
    }

    private static string Path(string type, ActorId id) => $"/v1.0/actors/{DaprHttpClient.Escape(type)}/{DaprHttpClient.Escape(id.GetId())}";

    private static string Path(string type, ActorId id, string kind, string name) => $"{Path(type, id)}/{kind}/{DaprHttpClient.Escape(name)}";
}
