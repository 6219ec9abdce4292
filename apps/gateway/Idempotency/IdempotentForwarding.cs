using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Dapr;
using Gateway.Forwarding;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ServiceDefaults;
using ServiceDefaults.Identity;

namespace Gateway.Idempotency;

/// <summary>
/// Carries out writes with an <c>Idempotency-Key</c> once (draft-ietf-httpapi-idempotency-key-header §2.6). The key is bound to user, method, path
/// and a hash of query and body. 409 IDEMPOTENCY_IN_PROGRESS while it runs, 422 IDEMPOTENCY_KEY_REUSED for another body, the same answer once it
/// has ended; 5xx, 429 and answers that broke off free the key. The request goes on when its client leaves: the repeat gets the answer.
/// </summary>
internal sealed class IdempotentForwarding(KeyStore keys, Forwarder forwarder, IOptions<IdempotencyOptions> options)
{
    /// <summary>Larger bodies wait in a file.</summary>
    private const int MemoryBytes = 1024 * 1024;

    public async Task ForwardAsync(HttpContext context, GatewayRoute route, TokenCheck caller)
    {
        var request = context.Request;
        if (route.Idempotency != IdempotencyBy.Gateway || caller.Identity is null || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            || HttpMethods.IsOptions(request.Method))
        {
            await forwarder.ForwardAsync(context, route, caller);
            return;
        }

        if (!IdempotencyKey.TryRead(request.Headers, out var name))
        {
            await Problems.WriteAsync(
                context, 400, "IDEMPOTENCY_KEY_INVALID", $"{IdempotencyKey.Header} is one string of 1 to {IdempotencyKey.MaxLength} printable ASCII characters");
            return;
        }

        if (name is null)
        {
            await forwarder.ForwardAsync(context, route, caller);
            return;
        }

        string fingerprint;
        try
        {
            fingerprint = await FingerprintAsync(request, context.RequestAborted);
        }
        catch (Exception exception) when (Forwarder.FindBadRequest(exception) is { } bad)
        {
            await Forwarder.RefuseBodyAsync(context, bad);
            return;
        }

        var key = KeyOf(caller.Identity.UserId, request, name);
        IdempotentRequest stored;
        var owner = Guid.NewGuid().ToString("N");
        try
        {
            stored = await keys.TakeAsync(key, fingerprint, owner, context.RequestAborted);
        }
        catch (DaprException)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.WriteAsync(context, 503, "IDEMPOTENCY_UNAVAILABLE", "Keys cannot be checked right now, so nothing was done; try again soon");
            return;
        }

        if (stored.Owner == owner)
        {
            await RunAsync(context, route, caller, key, stored);
            return;
        }

        await (stored switch
        {
            _ when stored.Fingerprint != fingerprint =>
                Problems.WriteAsync(context, 422, "IDEMPOTENCY_KEY_REUSED", "This key was used with another body; a new request needs a new key"),
            { Answer: { } answer } => AgainAsync(context, answer),
            _ => InProgressAsync(context),
        });
    }

    /// <summary>1. Hold the key. 2. Forward, with the answer held back. 3. Keep it, or free the key. 4. Answer.</summary>
    private async Task RunAsync(HttpContext context, GatewayRoute route, TokenCheck caller, string key, IdempotentRequest taken)
    {
        using var lost = new CancellationTokenSource();
        using var ended = new CancellationTokenSource();
        var holding = keys.HoldAsync(key, taken, lost, ended.Token);

        var client = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        var run = new Run(lost.Token);
        var body = context.Response.Body;
        var answer = new AnswerCapture(body, options.Value.MaxAnswerBytes, () => KeepAsync(null));
        context.Features.Set<IHttpRequestLifetimeFeature>(run);
        context.Response.Body = answer;
        try
        {
            await forwarder.ForwardAsync(context, route, caller);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            run.Abort();
        }
        catch
        {
            await keys.EndAsync(key, taken, null);
            throw;
        }
        finally
        {
            context.Response.Body = body;
            context.Features.Set(client);
            await ended.CancelAsync();
            await holding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (run.IsBroken || lost.IsCancellationRequested)
        {
            await keys.EndAsync(key, taken, null);
            await BrokenAsync(context, answer);
        }
        else if (!answer.IsPassing)
        {
            var held = answer.Held;
            await KeepAsync(held);
            await body.WriteAsync(held, context.RequestAborted);
        }

        Task KeepAsync(byte[]? held) =>
            keys.EndAsync(key, taken, context.Response.StatusCode is >= 500 or 429 ? null : KeptAnswer.Of(context.Response, held));
    }

    private static Task BrokenAsync(HttpContext context, AnswerCapture answer)
    {
        if (answer.IsPassing)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        context.Response.Headers.RetryAfter = "1";
        return Problems.WriteAsync(context, 502, "UPSTREAM_BROKEN", "The answer broke off and may have been carried out; try again with the same key");
    }

    private static async Task AgainAsync(HttpContext context, KeptAnswer answer)
    {
        if (answer.Body is null)
        {
            await Problems.WriteAsync(
                context, 409, "IDEMPOTENCY_ANSWER_NOT_KEPT", "The request was carried out; its answer was too large to keep. Read what it changed",
                new Dictionary<string, object?> { ["answer_status"] = answer.Status });
            return;
        }

        context.Response.StatusCode = answer.Status;
        foreach (var (header, values) in answer.Headers)
        {
            context.Response.Headers[header] = values;
        }

        if (answer.Body.Length > 0)
        {
            context.Response.ContentLength = answer.Body.Length;
            await context.Response.Body.WriteAsync(answer.Body, context.RequestAborted);
        }
    }

    private static Task InProgressAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problems.WriteAsync(context, 409, "IDEMPOTENCY_IN_PROGRESS", "A request with this key is still running");
    }

    /// <summary>Reads the body once and leaves it to be read again.</summary>
    private static async Task<string> FingerprintAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        request.EnableBuffering(MemoryBytes);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(request.QueryString.Value + "\n"));
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            int read;
            while ((read = await request.Body.ReadAsync(buffer, cancellationToken)) > 0)
            {
                hash.AppendData(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        request.Body.Position = 0;
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A hash: neither a path nor a key of a client is fit for a key of every store.</summary>
    private static string KeyOf(string user, HttpRequest request, string name) =>
        "idempotency-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{user}\n{request.Method}\n{request.Path}\n{name}")));

    /// <summary>Instead of the client's connection: the run ends with its lease, not with its client.</summary>
    private sealed class Run(CancellationToken lost) : IHttpRequestLifetimeFeature
    {
        public bool IsBroken { get; private set; }

        public CancellationToken RequestAborted { get; set; } = lost;

        public void Abort() => IsBroken = true;
    }
}
