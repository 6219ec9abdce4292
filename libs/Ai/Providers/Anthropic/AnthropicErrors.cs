namespace Ai.Providers.Anthropic;

/// <summary>
/// Stands between the package and its connection and throws our failures in place of its exceptions: those know no response headers, so Retry-After
/// would be lost, and their messages hold the whole body of the error, which may repeat the request.
/// </summary>
internal sealed class AnthropicErrors : DelegatingHandler
{
    /// <summary>Errors are a few hundred bytes; more is not one of the protocol's.</summary>
    private const int MaxErrorBytes = 64 * 1024;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await base.SendAsync(request, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw HttpFailures.WithoutResponse(exception);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await FailureAsync(response, cancellationToken);
        }
    }

    private static async Task<ModelException> FailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        AnthropicError? error = null;
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxErrorBytes, cancellationToken);
            error = AnthropicError.Read(await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            // The status is enough.
        }

        var status = (int)response.StatusCode;
        return new ModelException(error?.Failure ?? ModelFailures.OfStatus(status), $"the model server answered {status}{error}")
        {
            Status = status,
            RetryAfter = HttpFailures.RetryAfter(response),
        };
    }
}
