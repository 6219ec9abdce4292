using System.Collections.Concurrent;
using Sidecar.Runtime.App;
using Sidecar.Runtime.Loading;
using Sidecar.Runtime.Resiliency;

namespace Sidecar.Runtime.Invocation;

/// <summary>
/// Finds the instances of an app and sends requests to them (dapr-http §4). All apps of a run live in this process; a target that is an address
/// is called there.
/// </summary>
public sealed class InvocationService(TimeProvider time)
{
    private const string BuiltInRetries = "DaprBuiltInServiceRetries";

    private readonly ConcurrentDictionary<string, Callee> _apps = new(StringComparer.Ordinal);
    private readonly ExternalCalls _external = new();

    /// <summary>Adds an instance of an app.</summary>
    public void Add(AppInstance app) => _apps.AddOrUpdate(app.Instance.AppId, _ => new Callee([app]), (_, callee) => new Callee([.. callee.Instances, app]));

    /// <summary>Removes an instance that has shut down; an app without any is unknown.</summary>
    public void Remove(AppInstance app)
    {
        var appId = app.Instance.AppId;
        while (_apps.TryGetValue(appId, out var callee))
        {
            var others = callee.Instances.Where(other => other != app).ToArray();
            if (others.Length == 0 ? _apps.TryRemove(KeyValuePair.Create(appId, callee)) : _apps.TryUpdate(appId, new Callee(others), callee))
            {
                return;
            }
        }
    }

    /// <summary>Throws 403 when the callee's access control refuses the caller. <paramref name="path"/> is the one that is sent, percent-encoded.</summary>
    public void Authorize(AppInstance caller, string appId, string verb, string path)
    {
        if (!Rules(appId).IsAllowed(caller.Instance.AppId, caller.Configuration.Access.TrustDomain, verb, path))
        {
            throw InvocationErrors.Denied(Name(appId), caller.Instance.AppId, verb, path);
        }
    }

    /// <summary>Whether <see cref="Authorize"/> has anything to look at; most apps take every call.</summary>
    public bool IsGuarded(string appId) => !Rules(appId).AllowsAll;

    /// <summary>
    /// Sends to one instance of the app, round robin over those that accept connections. <paramref name="create"/> makes the request
    /// for an instance; when <paramref name="canRepeat"/> is false (a body that streams) nothing is repeated once a connection stands.
    /// <paramref name="endpoint"/> names the breaker. Throws ERR_DIRECT_INVOKE when nobody takes it.
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(
        AppInstance caller, string appId, string endpoint, Func<Uri, HttpRequestMessage> create, bool canRepeat, CancellationToken cancellationToken)
    {
        var address = InvocationAddress.External(appId);
        var name = address is null ? Name(appId) : appId;
        var callee = _apps.GetValueOrDefault(name);
        if (callee is null && address is null)
        {
            throw InvocationErrors.Unknown(name);
        }

        Task<HttpResponseMessage> Once(CancellationToken token) =>
            callee is null ? _external.SendAsync(create(address!), token) : SendOnceAsync(callee, create, token);
        var policy = caller.Resiliency.ForApp(name, endpoint);
        policy = canRepeat ? policy : policy with { Retry = null };
        try
        {
            return policy.IsNone
                ? await SendWithBuiltInRetriesAsync(caller, Once, cancellationToken)
                : await policy.ExecuteAsync(
                    Once,
                    response => new AttemptOutcome((int)response.StatusCode is >= 400 or < 200, (int)response.StatusCode),
                    _ => true, time, cancellationToken);
        }
        catch (Exception exception) when (exception is AppUnreachableException or TimeoutException or CircuitOpenException)
        {
            throw InvocationErrors.Failed(name, exception);
        }
    }

    /// <summary>Whether a policy may send a request of the caller to the app again.</summary>
    public bool IsRepeated(AppInstance caller, string appId) => caller.Resiliency.ForApp(Name(appId), "").Retry is not null;

    private AccessRules Rules(string appId) =>
        (_apps.TryGetValue(Name(appId), out var callee) ? callee.Instances[0].Configuration : AppConfiguration.Default).Access;

    /// <summary>Without the namespace: there is one.</summary>
    private static string Name(string appId) => appId.Split('.', 2)[0];

    /// <summary>Without a policy: again only while the app certainly has not seen the request.</summary>
    private async Task<HttpResponseMessage> SendWithBuiltInRetriesAsync(
        AppInstance caller, Func<CancellationToken, Task<HttpResponseMessage>> once, CancellationToken cancellationToken)
    {
        var retries = caller.Resiliency.BuiltIn(BuiltInRetries)!;
        var started = time.GetTimestamp();
        for (var retry = 1; ; retry++)
        {
            try
            {
                return await once(cancellationToken);
            }
            catch (AppUnreachableException exception) when (exception.NotSent && retries.Delay(retry, time.GetElapsedTime(started)) is not null)
            {
                await Task.Delay(retries.Delay(retry, time.GetElapsedTime(started)) ?? default, time, cancellationToken);
            }
        }
    }

    /// <summary>Tries each instance once: a refused connection moves on to the next, which costs nothing and repeats nothing.</summary>
    private async Task<HttpResponseMessage> SendOnceAsync(Callee callee, Func<Uri, HttpRequestMessage> create, CancellationToken cancellationToken)
    {
        AppUnreachableException? refused = null;
        var instances = callee.Instances;
        var start = callee.NextTurn();
        for (var offset = 0; offset < instances.Length; offset++)
        {
            var instance = instances[(start + (uint)offset) % (uint)instances.Length];
            if (!instance.Channel.IsUp && (offset < instances.Length - 1 || instances.Any(other => other.Channel.IsUp)))
            {
                continue;
            }

            try
            {
                return await instance.Channel.SendAsync(create(instance.Channel.Address), cancellationToken);
            }
            catch (AppUnreachableException exception) when (exception.NotSent)
            {
                refused = exception;
            }
        }

        throw refused ?? new AppUnreachableException("no instance of the app accepts connections") { NotSent = true };
    }

    /// <summary>The instances of one app and whose turn it is: a turn per app, since callers alternate between apps.</summary>
    private sealed class Callee(AppInstance[] instances)
    {
        private int _turn;

        public AppInstance[] Instances { get; } = instances;

        public uint NextTurn() => (uint)Interlocked.Increment(ref _turn);
    }
}

/// <summary>Errors of service invocation.</summary>
public static class InvocationErrors
{
    public static DaprErrorException NoTarget() => new(404, "ERR_DIRECT_INVOKE", "failed getting app id either from the URL path or the header dapr-app-id");

    public static DaprErrorException Unknown(string appId) => new(500, "ERR_DIRECT_INVOKE", $"failed to invoke, id: {appId}, err: couldn't find the app");

    public static DaprErrorException Denied(string appId, string caller, string verb, string path) => new(
        403, "ERR_DIRECT_INVOKE", $"failed to invoke, id: {appId}, err: access control policy has denied access to appid: {caller} operation: {path} verb: {verb}");

    public static DaprErrorException Failed(string appId, Exception exception) => new(
        500, "ERR_DIRECT_INVOKE", $"failed to invoke, id: {appId}, err: {exception.Message}", innerException: exception);
}
