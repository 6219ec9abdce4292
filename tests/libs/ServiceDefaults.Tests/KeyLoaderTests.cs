using System.Net;
using System.Text.Json;
using Dapr.Client.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults.Identity;
using TestKit;

namespace ServiceDefaults.Tests;

/// <summary>Where the keys come from, and how often: an app whose auth is played by the test.</summary>
public sealed class KeyLoaderTests : IAsyncLifetime
{
    private static readonly SigningKey First = SigningKey.Create("first", TokenAlgorithms.Rs256);
    private static readonly SigningKey Second = SigningKey.Create("second", TokenAlgorithms.Es256);
    private static readonly IdentityOptions Defaults = new();

    private readonly ManualTimeProvider _time = new();
    private volatile JsonWebKeySet? _published;
    private RecordingSidecar _sidecar = null!;
    private TestService _service = null!;

    private VerificationKeys Keys => _service.App.Services.GetRequiredService<VerificationKeys>();

    /// <summary>How often the loader has begun to wait after a reading.</summary>
    private int Pauses => _time.Started(Defaults.KeyRefreshPause);

    public async ValueTask InitializeAsync()
    {
        _sidecar = await RecordingSidecar.StartAsync();
        _sidecar.Answer = http =>
        {
            http.Response.StatusCode = _published is null ? 403 : 200;
            return _published is null ? Task.CompletedTask : http.Response.WriteAsync(JsonSerializer.Serialize(_published, TandemJson.Options));
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _service.DisposeAsync();
        await _sidecar.DisposeAsync();
    }

    [Fact]
    public async Task The_app_is_ready_with_the_first_keys_which_it_asks_for_until_they_come()
    {
        await StartAsync();
        await UntilAsync(() => _time.Started(TimeSpan.FromMilliseconds(500)) == 1);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await ReadyAsync());
        Assert.False(Keys.AreLoaded);

        _published = Set(First);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        await UntilAsync(() => Pauses == 1);

        Assert.Equal(HttpStatusCode.OK, await ReadyAsync());
        Assert.All(_sidecar.Requests, request => Assert.Equal("/v1.0/invoke/auth/method/internal/keys", request.Target));
        Assert.Equal(2, _sidecar.Requests.Count);
    }

    [Fact]
    public async Task Keys_are_read_again_in_time()
    {
        _published = Set(First);
        await StartAsync();
        await UntilAsync(() => Pauses == 1);
        _published = Set(First, Second);

        await PassPauseAsync();
        Assert.Null(Keys.Find("nobody's") ?? Keys.Find("other"));
        await UntilAsync(() => Pauses == 2);
        Assert.NotNull(Keys.Find("second"));

        _published = Set(Second);
        await PassPauseAsync();
        _time.Advance(Defaults.KeyRefresh - Defaults.KeyRefreshPause);
        await UntilAsync(() => Pauses == 3);
        Assert.Equal(3, _sidecar.Requests.Count);
        Assert.Null(Keys.Find("first"));
    }

    [Fact]
    public async Task A_flood_of_names_that_nobody_knows_does_not_hammer_auth()
    {
        _published = Set(First);
        await StartAsync();
        await UntilAsync(() => Pauses == 1);
        var verifier = _service.App.Services.GetRequiredService<TokenVerifier>();
        void Flood()
        {
            for (var i = 0; i < 1000; i++)
            {
                var token = TokenForger.Sign(First, TokenForger.Header(First, keyId: $"made-up-{i}"), TokenForger.Claims);
                Assert.Equal(TokenFailure.Invalid, verifier.VerifyAccess(token, out _));
            }
        }

        for (var readings = 1; readings <= 3; readings++)
        {
            Flood();
            _time.Advance(Defaults.KeyRefreshPause - TimeSpan.FromSeconds(1));
            Flood();
            Assert.Equal(readings, _sidecar.Requests.Count);
            _time.Advance(TimeSpan.FromSeconds(1));
            await UntilAsync(() => Pauses == readings + 1);
            Assert.Equal(readings + 1, _sidecar.Requests.Count);
        }

        // The names are not asked for, and the last flood is answered by the last reading.
        await PassPauseAsync();
        Assert.Equal(4, _sidecar.Requests.Count);
    }

    [Fact]
    public async Task Without_auth_the_known_keys_stay_and_are_asked_for_soon()
    {
        _published = Set(First);
        await StartAsync();
        await UntilAsync(() => Pauses == 1);
        foreach (var gone in new[] { null, new JsonWebKeySet([]) })
        {
            var before = Pauses;
            _published = gone;
            _ = Keys.Find("unknown");
            _time.Advance(Defaults.KeyRefreshPause);
            await UntilAsync(() => Pauses == before + 1);
            Assert.NotNull(Keys.Find("first"));
            Assert.Equal(HttpStatusCode.OK, await ReadyAsync());

            // After a failure nobody has to want them.
            _published = Set(First);
            _time.Advance(Defaults.KeyRefreshPause);
            await UntilAsync(() => Pauses == before + 2);
        }
    }

    private static JsonWebKeySet Set(params SigningKey[] keys) => new([.. keys.Select(key => key.ToPublic())]);

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    private async Task StartAsync() =>
        _service = await TestService.StartAsync(
            _ => { },
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_time).AddTokenVerification().WithoutRevocations();
                // However long a connection takes: after a limit the call would be repeated by the clock that stands still.
                builder.Services.AddHttpClient(nameof(AuthKeysClient)).ConfigurePrimaryHttpMessageHandler(
                    () => new SocketsHttpHandler { UseProxy = false, UseCookies = false, ConnectTimeout = Timeout.InfiniteTimeSpan });
            },
            settings: ("DAPR_HTTP_ENDPOINT", _sidecar.Address));

    private async Task<HttpStatusCode> ReadyAsync()
    {
        using var response = await _service.SendAsync(HttpMethod.Get, "/healthz/ready");
        return response.StatusCode;
    }

    /// <summary>Until the loader waits for somebody who wants the keys, or for the next reading in time.</summary>
    private async Task PassPauseAsync()
    {
        var wait = Defaults.KeyRefresh - Defaults.KeyRefreshPause;
        var before = _time.Started(wait);
        _time.Advance(Defaults.KeyRefreshPause);
        await UntilAsync(() => _time.Started(wait) == before + 1);
    }
}
