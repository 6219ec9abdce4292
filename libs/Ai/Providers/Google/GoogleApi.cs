using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Ai.Providers.Google;

/// <summary>Requests of one provider entry; where they go and how they are signed is what its two kinds differ in.</summary>
internal abstract class GoogleApi(ProviderConnection connection)
{
    /// <summary>What an error says of itself at most.</summary>
    private const int MaxErrorBytes = 64 * 1024;

    private static readonly MediaTypeWithQualityHeaderValue EventStream = new("text/event-stream");

    /// <summary>Name of the provider's entry.</summary>
    public string Name => connection.Name;

    /// <summary>Where requests go.</summary>
    public abstract Uri Address { get; }

    /// <summary>Whether calls of tools carry ids: the Gemini API matches results by them, Vertex AI rejects them and goes by order.</summary>
    public abstract bool SendsCallIds { get; }

    /// <summary>What to check when the provider does not let us in.</summary>
    public abstract string SignInHint { get; }

    /// <summary>Asks once.</summary>
    public async Task<TAnswer> PostAsync<TRequest, TAnswer>(
        string model, string method, TRequest request, JsonTypeInfo<TRequest> requestType, JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellationToken)
    {
        using var message = await CreateAsync(HttpMethod.Post, $"{await ModelPathAsync(model, cancellationToken)}:{method}", cancellationToken);
        message.Content = JsonContent.Create(request, requestType);
        return await SendAsync(message, model, answerType, cancellationToken);
    }

    /// <summary>Asks for an answer in pieces: server-sent events whose data are answers, without an end event.</summary>
    public async IAsyncEnumerable<GenerateContentResponse> StreamAsync(
        string model, GenerateContentRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var message = await CreateAsync(
            HttpMethod.Post, $"{await ModelPathAsync(model, cancellationToken)}:streamGenerateContent?alt=sse", cancellationToken);
        message.Headers.Accept.Add(EventStream);
        message.Content = JsonContent.Create(request, GoogleJson.Wire.GenerateContentRequest);
        using var response = await OpenAsync(message, model, cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var events = SseParser.Create(body, static (_, data) => JsonSerializer.Deserialize(data, GoogleJson.Wire.GenerateContentResponse));
        await using var items = events.EnumerateAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await items.MoveNextAsync())
                {
                    break;
                }
            }
            catch (Exception exception) when (GoogleFailures.Of(exception, begun: true, cancellationToken) is { } failure)
            {
                throw failure;
            }

            if (items.Current.Data is { } answer)
            {
                yield return answer.Error is { } error ? throw Refusal(error.Code ?? 500, error, retryAfter: null, model) : answer;
            }
        }
    }

    /// <summary>Reads a page of a list.</summary>
    public async Task<TAnswer> GetAsync<TAnswer>(string path, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using var message = await CreateAsync(HttpMethod.Get, path, cancellationToken);
        return await SendAsync(message, model: null, answerType, cancellationToken);
    }

    /// <summary>The failure of an answer without what the protocol promises.</summary>
    public ModelException Malformed(string what) => new(ModelFailure.Malformed, $"{Name} answered {what}");

    /// <summary>Path of a model, from the version on.</summary>
    protected abstract ValueTask<string> ModelPathAsync(string model, CancellationToken cancellationToken);

    /// <summary>Adds the credential.</summary>
    protected abstract ValueTask SignAsync(HttpRequestMessage message, CancellationToken cancellationToken);

    /// <summary>Called when the provider did not accept the credential of a request.</summary>
    protected virtual void Rejected(HttpRequestMessage message)
    {
    }

    private async ValueTask<HttpRequestMessage> CreateAsync(HttpMethod method, string path, CancellationToken cancellationToken)
    {
        var message = new HttpRequestMessage(method, $"{Address.AbsoluteUri.TrimEnd('/')}/{path}");
        await SignAsync(message, cancellationToken);
        return message;
    }

    private async Task<TAnswer> SendAsync<TAnswer>(
        HttpRequestMessage message, string? model, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
    {
        using var response = await OpenAsync(message, model, cancellationToken);
        try
        {
            return await response.Content.ReadFromJsonAsync(answerType, cancellationToken) ?? throw Malformed("null");
        }
        catch (Exception exception) when (GoogleFailures.Of(exception, begun: true, cancellationToken) is { } failure)
        {
            throw failure;
        }
    }

    /// <summary>Sends and answers when the headers of a success are there.</summary>
    private async Task<HttpResponseMessage> OpenAsync(HttpRequestMessage message, string? model, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await connection.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (Exception exception) when (GoogleFailures.Of(exception, begun: false, cancellationToken) is { } failure)
        {
            throw failure;
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            var refusal = Refusal(
                (int)response.StatusCode, await ReadErrorAsync(response, cancellationToken), HttpFailures.RetryAfter(response), model);
            if (refusal.Failure == ModelFailure.Unauthorized)
            {
                Rejected(message);
            }

            throw refusal;
        }
    }

    private ModelException Refusal(int status, GoogleError? error, TimeSpan? retryAfter, string? model) =>
        GoogleFailures.Of(Name, status, error, retryAfter, model, SignInHint);

    /// <summary>The error of a body, which is an object, or a list of one where a stream was asked for; null when it is neither.</summary>
    private static async Task<GoogleError?> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(MaxErrorBytes, cancellationToken);
            var body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return body.AsSpan().TrimStart(" \r\n\t"u8) is [(byte)'[', ..]
                ? JsonSerializer.Deserialize(body, GoogleJson.Wire.IReadOnlyListErrorResponse)?.FirstOrDefault()?.Error
                : JsonSerializer.Deserialize(body, GoogleJson.Wire.ErrorResponse)?.Error;
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            return null;
        }
    }
}
