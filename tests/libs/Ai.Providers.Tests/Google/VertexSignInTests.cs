using System.Net;
using System.Net.Sockets;
using Ai.Providers.Google;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using ModelServers;
using ModelServers.Google;

namespace Ai.Providers.Tests.Google;

/// <summary>How Vertex AI is signed in to: every kind of credentials, the life of a token, and what goes wrong with it.</summary>
public sealed class VertexSignInTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly Socket _nobody = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Clock _clock = new();
    private readonly FixedCredentials _secret = new();
    private readonly Dictionary<string, string?> _settings = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("vertex-").FullName;
    private readonly VertexProtocol _protocol;
    private ModelServer _server = null!;
    private VertexProvider? _provider;
    private ProviderOptions? _options;

    public VertexSignInTests()
    {
        _protocol = new VertexProtocol(_clock);
        _nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        // Nothing of the machine that the tests run on.
        _settings["HOME"] = _folder;
        _settings["GCE_METADATA_HOST"] = Nobody().Authority;
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GoogleTokens Tokens => _protocol.Tokens;

    public async ValueTask InitializeAsync() => _server = await ModelServer.StartAsync(_protocol);

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _nobody.Dispose();
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Signs_in_with_a_service_account_from_a_secret()
    {
        _secret.Json = GoogleTokens.ServiceAccount(_server.Address);

        await AnswersAsync(new ProviderOptions { CredentialsSecret = "vertex" }, "assertion");
    }

    [Fact]
    public async Task Signs_in_with_a_service_account_from_a_file() =>
        await AnswersAsync(new ProviderOptions { CredentialsFile = await FileAsync("key.json", GoogleTokens.ServiceAccount(_server.Address)) }, "assertion");

    [Fact]
    public async Task Signs_in_with_the_file_that_the_environment_names()
    {
        _settings["GOOGLE_APPLICATION_CREDENTIALS"] = await FileAsync("key.json", GoogleTokens.ServiceAccount(_server.Address));

        await AnswersAsync(new ProviderOptions(), "assertion");
    }

    [Fact]
    public async Task Signs_in_as_the_person_who_used_gcloud()
    {
        _settings["CLOUDSDK_CONFIG"] = _folder;
        await FileAsync("application_default_credentials.json", GoogleTokens.AuthorizedUser(_server.Address));

        await AnswersAsync(new ProviderOptions(), "refresh");

        Assert.Equal(GoogleTokens.Project, _server.Requests[^1].Headers["x-goog-user-project"]);
    }

    [Fact]
    public async Task Signs_in_with_a_federated_workload_whose_token_has_an_address()
    {
        _secret.Json = GoogleTokens.ExternalAccount(_server.Address);

        await AnswersAsync(new ProviderOptions { CredentialsSecret = "vertex", Project = GoogleTokens.Project }, "exchange");
    }

    [Fact]
    public async Task Signs_in_with_a_federated_workload_whose_token_is_in_a_file()
    {
        _secret.Json = GoogleTokens.ExternalAccount(_server.Address, await FileAsync("token", GoogleTokens.Subject));

        await AnswersAsync(new ProviderOptions { CredentialsSecret = "vertex", Project = GoogleTokens.Project }, "exchange");
    }

    [Fact]
    public async Task Signs_in_with_a_federated_workload_that_acts_as_a_service_account()
    {
        _secret.Json = GoogleTokens.ExternalAccount(_server.Address, impersonated: true);
        _settings["GOOGLE_CLOUD_PROJECT"] = GoogleTokens.Project;

        await AnswersAsync(new ProviderOptions { CredentialsSecret = "vertex" }, "exchange", "impersonation");
    }

    [Fact]
    public async Task Signs_in_by_the_metadata_server_which_also_tells_the_project()
    {
        _settings["GCE_METADATA_HOST"] = _server.Address.Authority;

        await AnswersAsync(new ProviderOptions(), "metadata");
    }

    [Fact]
    public async Task Asks_for_one_token_for_all_calls_and_models()
    {
        Tokens.Before = Task.Delay(50, Cancellation);

        await Task.WhenAll(Enumerable.Range(0, 40).Select(index => AskAsync(model: $"gemini-{index % 4}")));

        Assert.Equal(["assertion"], Tokens.Grants);
        Assert.Equal(40, _server.Requests.Count);
    }

    [Fact]
    public async Task Renews_a_token_before_its_end_while_calls_go_on()
    {
        await AskAsync();
        var first = _server.Requests[^1].Key;
        _clock.Advance(TimeSpan.FromMinutes(57));
        var renewed = new TaskCompletionSource();
        Tokens.Before = renewed.Task;

        // The token request does not end before these calls have.
        await Task.WhenAll(AskAsync(), AskAsync(), AskAsync());
        Assert.All(_server.Requests, request => Assert.Equal(first, request.Key));
        renewed.SetResult();
        await UntilAsync(() => Tokens.Last != first);
        await UntilAsync(async () =>
        {
            await AskAsync();
            return _server.Requests[^1].Key == Tokens.Last;
        });

        Assert.Equal(["assertion", "assertion"], Tokens.Grants);
    }

    [Fact]
    public async Task Waits_for_a_new_token_when_the_last_one_has_ended()
    {
        await AskAsync();
        _clock.Advance(TimeSpan.FromHours(2));

        await AskAsync();

        Assert.Equal(["assertion", "assertion"], Tokens.Grants);
        Assert.Empty(_server.Rejected);
    }

    [Fact]
    public async Task Asks_for_a_new_token_after_one_was_refused()
    {
        await AskAsync();
        Tokens.Revoke();

        var failure = await FailsAsync(ModelFailure.Unauthorized);
        await AskAsync();

        Assert.Equal(401, failure.Status);
        Assert.Equal(1, _secret.Rereads);
        Assert.Equal(["assertion", "assertion"], Tokens.Grants);
    }

    [Fact]
    public async Task Takes_up_a_secret_that_changes()
    {
        await AskAsync();
        _secret.Json = GoogleTokens.AuthorizedUser(_server.Address);

        await AskAsync();

        Assert.Equal(["assertion", "refresh"], Tokens.Grants);
    }

    [Fact]
    public async Task Takes_up_a_file_that_was_replaced_after_a_refusal()
    {
        var options = new ProviderOptions { CredentialsFile = await FileAsync("key.json", GoogleTokens.ServiceAccount(_server.Address)) };
        Tokens.Fail(400);
        await FailsAsync(ModelFailure.Unauthorized, options);
        await FileAsync("key.json", GoogleTokens.AuthorizedUser(_server.Address));
        _clock.Advance(options.TokenRetry);

        await AskAsync(options);

        Assert.Equal(["assertion", "refresh"], Tokens.Grants);
    }

    [Theory]
    [InlineData(400, "invalid_grant", ModelFailure.Unauthorized)]
    [InlineData(401, "invalid_client", ModelFailure.Unauthorized)]
    [InlineData(403, "access_denied", ModelFailure.Unauthorized)]
    [InlineData(408, "slow", ModelFailure.Unreachable)]
    [InlineData(429, "slow_down", ModelFailure.Unreachable)]
    [InlineData(500, "internal_failure", ModelFailure.Unreachable)]
    [InlineData(503, "backend_error", ModelFailure.Unreachable)]
    public async Task Tells_what_the_token_endpoint_said_and_asks_it_again_with_the_next_call(int status, string error, ModelFailure expected)
    {
        Tokens.Fail(status, $$"""{"error":"{{error}}","error_description":"{{GoogleTokens.Secrets[0]}}"}""");

        var failure = await FailsAsync(expected);
        Assert.Equal(status, failure.Status);
        Assert.Contains(error, failure.Message);
        Assert.Contains("secret 'vertex'", failure.Message);
        _clock.Advance(expected == ModelFailure.Unauthorized ? Secret().TokenRetry : TimeSpan.Zero);
        await AskAsync();

        // Once per call: the package's own retries are off.
        Assert.Equal(["assertion", "assertion"], Tokens.Grants);
    }

    [Fact]
    public async Task Leaves_credentials_alone_that_were_refused()
    {
        Tokens.Fail(400);

        Assert.Equal(TimeSpan.FromSeconds(30), (await FailsAsync(ModelFailure.Unauthorized)).RetryAfter);
        _clock.Advance(TimeSpan.FromSeconds(10));
        var again = await FailsAsync(ModelFailure.Unauthorized);
        Assert.InRange(again.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(20));
        Assert.Equal(400, again.Status);
        Assert.Equal(["assertion"], Tokens.Grants);
        // Another secret is not the one that was refused.
        _secret.Json = GoogleTokens.AuthorizedUser(_server.Address);
        await AskAsync();

        Assert.Equal(["assertion", "refresh"], Tokens.Grants);
    }

    [Theory]
    [InlineData("<html>a captive portal</html>")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("")]
    public async Task Takes_no_token_from_an_answer_that_has_none(string body)
    {
        Tokens.Fail(200, body);

        await FailsAsync(ModelFailure.Unreachable);
    }

    [Theory]
    [InlineData("refresh")]
    [InlineData("exchange")]
    [InlineData("metadata")]
    public async Task Tells_refusals_of_every_kind_of_credentials(string grant)
    {
        var options = new ProviderOptions { CredentialsSecret = grant == "metadata" ? null : "vertex", Project = GoogleTokens.Project };
        _secret.Json = grant == "refresh" ? GoogleTokens.AuthorizedUser(_server.Address) : GoogleTokens.ExternalAccount(_server.Address);
        _settings["GCE_METADATA_HOST"] = _server.Address.Authority;
        Tokens.Fail(400);
        Tokens.Fail(503);

        await FailsAsync(ModelFailure.Unauthorized, options);
        _clock.Advance(options.TokenRetry);
        await FailsAsync(ModelFailure.Unreachable, options);
        await AskAsync(options);

        Assert.Equal([grant, grant, grant], Tokens.Grants);
    }

    [Fact]
    public async Task Says_that_the_subject_token_cannot_be_read()
    {
        _secret.Json = GoogleTokens.ExternalAccount(_server.Address, Path.Combine(_folder, "no-such-file"));

        var failure = await FailsAsync(ModelFailure.Unauthorized, new ProviderOptions { CredentialsSecret = "vertex", Project = GoogleTokens.Project });

        Assert.Contains("subject token", failure.Message);
    }

    [Fact]
    public async Task Says_that_nobody_gives_tokens()
    {
        _secret.Json = GoogleTokens.ServiceAccount(Nobody());

        Assert.Contains("cannot be reached", (await FailsAsync(ModelFailure.Unreachable, Secret())).Message);
    }

    [Fact]
    public async Task Waits_for_a_token_no_longer_than_it_may()
    {
        Tokens.Before = Task.Delay(Timeout.Infinite, Cancellation);

        var failure = await FailsAsync(ModelFailure.Unreachable, new ProviderOptions { CredentialsSecret = "vertex", TokenTimeout = TimeSpan.FromMilliseconds(200) });

        Assert.Contains("within 00:00:00.2", failure.Message);
    }

    [Fact]
    public async Task Lets_a_caller_leave_while_others_wait_for_the_token()
    {
        var token = new TaskCompletionSource();
        Tokens.Before = token.Task;
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var leaves = AskAsync(cancellationToken: cancel.Token);
        var stays = AskAsync();
        await UntilAsync(() => Tokens.Grants.Count == 1);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves.WaitAsync(Soon, Cancellation));
        token.SetResult();
        await stays.WaitAsync(Soon, Cancellation);

        Assert.Equal(["assertion"], Tokens.Grants);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"type":"api_key","key":"a-secret-that-nobody-may-print"}""")]
    [InlineData("""{"type":"a-secret-that-nobody-may-print"}""")]
    [InlineData("""{"type":"service_account","client_email":"a@b","private_key":"a-secret-that-nobody-may-print"}""")]
    [InlineData("""{"type":"authorized_user","client_secret":"a-secret-that-nobody-may-print"}""")]
    [InlineData("""{"type":"external_account","client_secret":"a-secret-that-nobody-may-print"}""")]
    public async Task Refuses_credentials_that_are_none(string json)
    {
        _secret.Json = json;

        var failure = await FailsAsync(ModelFailure.Unauthorized, Secret());

        Assert.Contains("secret 'vertex'", failure.Message);
        Assert.Empty(Tokens.Grants);
    }

    [Fact]
    public async Task Says_which_file_is_missing()
    {
        var path = Path.Combine(_folder, "missing.json");

        Assert.Contains($"'{path}' of Ai:Providers:vertex:CredentialsFile", (await FailsAsync(ModelFailure.NoKey, new ProviderOptions { CredentialsFile = path })).Message);
    }

    [Fact]
    public async Task Says_which_file_of_the_environment_is_missing()
    {
        var path = _settings["GOOGLE_APPLICATION_CREDENTIALS"] = Path.Combine(_folder, "missing.json");

        Assert.Contains($"'{path}' of GOOGLE_APPLICATION_CREDENTIALS", (await FailsAsync(ModelFailure.NoKey, new ProviderOptions())).Message);
    }

    [Fact]
    public async Task Says_where_it_looked_when_there_are_no_credentials()
    {
        var failure = await FailsAsync(ModelFailure.Unreachable, new ProviderOptions { Project = GoogleTokens.Project });

        Assert.Contains("metadata server", failure.Message);
        Assert.Contains("GOOGLE_APPLICATION_CREDENTIALS is not set", failure.Message);
    }

    [Fact]
    public async Task Says_that_it_has_no_project()
    {
        _secret.Json = GoogleTokens.ExternalAccount(_server.Address);

        Assert.Contains("Ai:Providers:vertex:Project", (await FailsAsync(ModelFailure.NoKey, Secret())).Message);
    }

    [Fact]
    public async Task Calls_in_the_project_and_location_of_its_options()
    {
        var failure = await FailsAsync(
            ModelFailure.Forbidden, new ProviderOptions { CredentialsSecret = "vertex", Project = "another", Location = "asia-northeast3" });

        Assert.Contains("IAM_PERMISSION_DENIED", failure.Message);
        Assert.Contains("/v1beta1/projects/another/locations/asia-northeast3/publishers/google/models/gemini-3-flash-preview", Assert.Single(_server.Rejected));
    }

    [Theory]
    [InlineData("global", "https://aiplatform.googleapis.com/")]
    [InlineData("eu", "https://aiplatform.eu.rep.googleapis.com/")]
    [InlineData("asia-northeast3", "https://asia-northeast3-aiplatform.googleapis.com/")]
    public void Goes_to_the_endpoint_of_its_location(string location, string address)
    {
        using var client = Provider().CreateChat(new ProviderConnection("vertex", new ProviderOptions { Location = location }, Key: null, _http), "gemini");

        Assert.Equal(address, client.GetService<ChatClientMetadata>()!.ProviderUri!.AbsoluteUri);
    }

    private async Task AnswersAsync(ProviderOptions options, params string[] grants)
    {
        await AskAsync(options);

        Assert.Equal(grants, Tokens.Grants);
        Assert.Empty(_server.Rejected);
        Assert.Equal(Tokens.Last, _server.Requests[^1].Key);
        Assert.Contains($"/projects/{GoogleTokens.Project}/locations/global/", _server.Requests[^1].Path);
    }

    private static ProviderOptions Secret() => new() { CredentialsSecret = "vertex" };

    private VertexProvider Provider() => _provider ??= new VertexProvider(new ConfigurationBuilder().AddInMemoryCollection(_settings).Build(), _secret, _clock);

    private async Task AskAsync(ProviderOptions? options = null, string model = "gemini-3-flash-preview", CancellationToken? cancellationToken = null)
    {
        _secret.Json ??= GoogleTokens.ServiceAccount(_server.Address);
        options ??= _options ??= Secret();
        options.Kind = "vertex";
        options.BaseUrl = _server.Address;
        // Unless the wait is what a test is about.
        options.TokenTimeout = options.TokenTimeout == new ProviderOptions().TokenTimeout ? TimeSpan.FromMinutes(2) : options.TokenTimeout;
        using var client = Provider().CreateChat(new ProviderConnection("vertex", options, Key: null, _http), model);
        Assert.Equal("ok", (await client.GetResponseAsync("hello", cancellationToken: cancellationToken ?? Cancellation)).Text);
    }

    private async Task<ModelException> FailsAsync(ModelFailure failure, ProviderOptions? options = null)
    {
        var exception = await Assert.ThrowsAsync<ModelException>(() => AskAsync(options).WaitAsync(Soon, Cancellation));
        Assert.Equal(failure, exception.Failure);
        foreach (var secret in GoogleTokens.Secrets.Append("a-secret-that-nobody-may-print").Concat(Tokens.Last is { } token ? [token] : []))
        {
            Assert.DoesNotContain(secret, exception.ToString());
        }

        return exception;
    }

    private async Task<string> FileAsync(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        await File.WriteAllTextAsync(path, text, Cancellation);
        return path;
    }

    private static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Soon);
        while (!await condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    /// <summary>An address where nobody listens: a socket that does not holds its port, and who connects is refused.</summary>
    private Uri Nobody() => new($"http://{_nobody.LocalEndPoint}");

    /// <summary>Tells a time that the test moves; timers are real.</summary>
    private sealed class Clock : TimeProvider
    {
        private TimeSpan _ahead;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;

        public void Advance(TimeSpan by) => _ahead += by;
    }
}
