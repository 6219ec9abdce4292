using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Contracts;
using Contracts.Users;
using IdentityProviders;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using ServiceDefaults;
using Sidecar.Testing;

namespace Auth.Tests;

/// <summary>auth in front of a local identity provider and a users that gives every identity an account.</summary>
internal sealed class OAuthPlatform : IAsyncDisposable
{
    public const string Public = "https://tandem.example.org";
    public const string Frontend = "https://app.example.org";
    public const string Secret = "client-secret-of-tests";

    public static readonly string[] Providers = ["google", "kakao", "naver"];

    private readonly WebApplication _provider;

    private OAuthPlatform(WebApplication provider) => _provider = provider;

    public static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public AuthPlatform Auth { get; private set; } = null!;

    public IdentityProviderServer Provider => _provider.Services.GetRequiredService<IdentityProviderServer>();

    /// <summary>What users was told, in order.</summary>
    public List<SignInUser> SignIns { get; } = [];

    /// <summary>Answers of users: null is its real one.</summary>
    public Func<int, int?> UsersStatus { get; set; } = _ => null;

    public static async Task<OAuthPlatform> StartAsync(params (string Name, string Value)[] settings)
    {
        var provider = IdentityProviderHost.Build(["--urls", "http://127.0.0.1:0"]);
        await provider.StartAsync(Cancel);
        var platform = new OAuthPlatform(provider);
        platform.Provider.Behaviour = platform.Provider.Behaviour with { ClientSecret = Secret };
        try
        {
            platform.Auth = await AuthPlatform.StartAsync(
                options =>
                {
                    foreach (var name in Providers)
                    {
                        options.Secrets[$"oauth-{name}"] = Secret;
                    }
                },
                [
                    .. IdentityProviderHost.Settings(provider.Urls.First(), Providers),
                    ("OAuth:PublicUrl", Public), ("OAuth:FrontendOrigins:0", Frontend), ("OAuth:RedirectUris:0", $"{Frontend}/back"), ("OAuth:Timeout", "00:01:00"),
                    .. settings,
                ]);
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
        }

        await platform.Auth.Dapr.StartAppAsync(
            Apps.Users,
            builder => builder.Services.ConfigureHttpJsonOptions(json => TandemJson.Apply(json.SerializerOptions)),
            app => app.MapPost("/internal/users/sign-in", platform.SignIn));
        return platform;
    }

    /// <summary>A browser in front of the gateway.</summary>
    public Browser NewBrowser() => new(Auth.Gateway());

    public async ValueTask DisposeAsync()
    {
        await Auth.DisposeAsync();
        await _provider.DisposeAsync();
    }

    private IResult SignIn(SignInUser command)
    {
        lock (SignIns)
        {
            SignIns.Add(command);
            return UsersStatus(SignIns.Count) is { } status
                ? Results.StatusCode(status)
                : Results.Json(new SignedInUser($"user-{command.Provider}-{command.ProviderUserId}", true), TandemJson.Options);
        }
    }
}

/// <summary>Keeps cookies and follows nothing by itself.</summary>
internal sealed class Browser(HttpClient gateway) : IDisposable
{
    private readonly HttpClient _internet = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Cookies of the gateway by name.</summary>
    public Dictionary<string, string> Cookies { get; } = new(StringComparer.Ordinal);

    /// <summary>The <c>Set-Cookie</c> headers of the latest answer.</summary>
    public IReadOnlyList<string> SetCookies { get; private set; } = [];

    /// <summary>Asks the gateway.</summary>
    public async Task<HttpResponseMessage> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (Cookies.Count > 0)
        {
            request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        }

        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await gateway.SendAsync(request, Cancel);
        SetCookies = response.Headers.TryGetValues("Set-Cookie", out var set) ? [.. set] : [];
        foreach (var parts in SetCookies.Select(cookie => cookie.Split(';')[0].Split('=', 2)))
        {
            if (parts[1].Length == 0)
            {
                Cookies.Remove(parts[0]);
            }
            else
            {
                Cookies[parts[0]] = parts[1];
            }
        }

        return response;
    }

    /// <summary>Begins a sign-in; the address at the provider.</summary>
    public async Task<Uri> BeginAsync(string provider, string query = "")
    {
        using var response = await GetAsync($"/api/v1/auth/{provider}/authorize{query}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new Uri((await response.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("authorization_url").GetString()!);
    }

    /// <summary>Goes to the provider, which sends back: path and query of the callback.</summary>
    public async Task<string> AtProviderAsync(Uri address)
    {
        using var response = await _internet.GetAsync(address, Cancel);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        return response.Headers.Location!.PathAndQuery;
    }

    /// <summary>The callback; where it leads to.</summary>
    public async Task<string> CallbackAsync(string pathAndQuery)
    {
        using var response = await GetAsync(pathAndQuery);
        Assert.Equal(HttpStatusCode.Found, response.StatusCode);
        return response.Headers.Location!.OriginalString;
    }

    /// <summary>The whole way.</summary>
    public async Task<string> SignInAsync(string provider, string query = "") => await CallbackAsync(await AtProviderAsync(await BeginAsync(provider, query)));

    /// <summary>The parameters of an address.</summary>
    public static Dictionary<string, string> QueryOf(Uri address) =>
        QueryHelpers.ParseQuery(address.Query).ToDictionary(parameter => parameter.Key, parameter => parameter.Value.ToString());

    public void Dispose()
    {
        gateway.Dispose();
        _internet.Dispose();
    }
}
