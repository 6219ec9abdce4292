using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using OpenAI.Responses;

namespace Ai.Providers.OpenAi;

/// <summary>
/// The pipeline of the package OpenAI on the platform's connections: address, key, and our errors instead of its own. It neither repeats nor times out nor
/// logs, since the policies do that around it; two layers would multiply.
/// </summary>
internal static class OpenAiConnection
{
    public static OpenAIClient Client(ProviderConnection connection, TimeProvider time)
    {
        var options = new OpenAIClientOptions();
        SetUp(options, connection, time);
        if (connection.Options.BaseUrl is { } address)
        {
            options.Endpoint = address;
        }

        return new OpenAIClient(Credential(connection), options);
    }

    public static ResponsesClient Responses(ProviderConnection connection, TimeProvider time)
    {
        var options = new ResponsesClientOptions();
        SetUp(options, connection, time);
        if (connection.Options.BaseUrl is { } address)
        {
            options.Endpoint = address;
        }

        return new ResponsesClient(Credential(connection), options);
    }

    private static void SetUp(ClientPipelineOptions options, ProviderConnection connection, TimeProvider time)
    {
        options.RetryPolicy = new OpenAiFailurePolicy(time);
        options.NetworkTimeout = Timeout.InfiniteTimeSpan;
        options.Transport = new HttpClientPipelineTransport(connection.Http);
        options.ClientLoggingOptions = new ClientLoggingOptions { EnableLogging = false };
        options.EnableDistributedTracing = false;
    }

    private static AuthenticationPolicy Credential(ProviderConnection connection) => connection.Key is { Length: > 0 } key
        ? ApiKeyAuthenticationPolicy.CreateBearerAuthorizationPolicy(new ApiKeyCredential(key))
        : new NoCredential();

    /// <summary>A server of one's own takes no key.</summary>
    private sealed class NoCredential : AuthenticationPolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
            ProcessNext(message, pipeline, currentIndex);

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
            ProcessNextAsync(message, pipeline, currentIndex);
    }
}
